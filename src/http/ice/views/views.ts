import type { CompatibleService } from '../../../config/compatible-services.ts';
import { CLOUDFLARE_VIEW } from './cloudflare.ts';
import { MATRIX_VIEW } from './matrix.ts';
import { METERED_VIEW } from './metered.ts';
import { TWILIO_VIEW } from './twilio.ts';
import type { View } from './view.ts';
import { XIRSYS_VIEW } from './xirsys.ts';

/** The view of each service. */
export const VIEWS: Readonly<Record<CompatibleService, View>> = {
  cloudflare: CLOUDFLARE_VIEW,
  matrix: MATRIX_VIEW,
  metered: METERED_VIEW,
  twilio: TWILIO_VIEW,
  xirsys: XIRSYS_VIEW,
};
