import type { ApiDescription } from '../shared/documentation.ts';

/** What the OpenAPI description of the admin API says besides its routes. */
export const ADMIN_API_DESCRIPTION: ApiDescription = {
  info: {
    title: 'Turnpike admin API',
    version: '1',
    description:
      'Tells how a running gateway does and changes it: status, sessions, routes, live numbers, events; kick, ' +
      'revoke, reload, drain, log levels. Bodies and answers are JSON, errors ' +
      '`{statusCode, code, error, message}`. Answers hold no secrets of the configuration.',
  },
  tags: [
    { name: 'Status', description: 'What the gateway is and does' },
    { name: 'Sessions', description: 'Live allocations of clients' },
    { name: 'Operation', description: 'Reload, drain, log levels' },
    { name: 'Test', description: 'What the test page of the console needs' },
  ],
  components: {
    securitySchemes: {
      bearer: {
        type: 'http',
        scheme: 'bearer',
        description: '`admin.api_token` in the Authorization header',
      },
    },
  },
};
