import type { ApiDescription } from '../shared/documentation.ts';

/** What the OpenAPI description of the ICE API says besides its routes. */
export const ICE_API_DESCRIPTION: ApiDescription = {
  info: {
    title: 'Turnpike ICE API',
    version: '1',
    description:
      'Hands out TURN credentials and ICE configurations to application servers and browsers. ' +
      'Compatible with the authentication service of STUNner and with ' +
      'draft-uberti-behave-turn-rest-00. Errors are text, or JSON when the request says ' +
      '`Accept: application/json`.',
  },
  tags: [
    { name: 'ICE', description: 'Ready ICE configurations for WebRTC clients' },
    { name: 'TURN', description: 'TURN credentials as in the TURN REST API draft' },
  ],
  components: {
    securitySchemes: {
      bearer: {
        type: 'http',
        scheme: 'bearer',
        description: 'API key in the Authorization header',
      },
      key: {
        type: 'apiKey',
        in: 'query',
        name: 'key',
        description: 'API key in the query or form',
      },
      api: {
        type: 'apiKey',
        in: 'query',
        name: 'api',
        description: 'API key in the query or form, as Janus sends it',
      },
    },
  },
};
