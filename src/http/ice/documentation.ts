import type { ApiDescription } from '../shared/documentation.ts';
import type { View } from './views/view.ts';

/**
 * What the OpenAPI description of the ICE API says besides its routes.
 *
 * @param views - the services that are answered as well.
 */
export function describeIceApi(views: readonly View[]): ApiDescription {
  return {
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
      ...views.map(({ tag }) => tag),
    ],
    components: {
      securitySchemes: Object.assign({}, ICE_SCHEMES, ...views.map((view) => view.securitySchemes)),
    },
  };
}

const ICE_SCHEMES = {
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
};
