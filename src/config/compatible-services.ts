/** Services whose credential APIs the ICE API can answer as well. */
export const COMPATIBLE_SERVICES = ['matrix', 'cloudflare', 'metered', 'twilio', 'xirsys'] as const;

/** One of `COMPATIBLE_SERVICES`. */
export type CompatibleService = (typeof COMPATIBLE_SERVICES)[number];
