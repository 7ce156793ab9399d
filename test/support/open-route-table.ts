import { RouteTable } from '../../src/route/route-table.ts';

/** Routes everything to everywhere: what it refuses is on the hard deny list. */
export const OPEN_ROUTES = new RouteTable({
  listeners: [{ name: 'open', routes: ['all'] }],
  clusters: [
    {
      name: 'all',
      protocol: 'udp',
      endpoints: ['0.0.0.0', '::'].map((address) => ({
        address,
        prefixLength: 0,
        minPort: 1,
        maxPort: 65_535,
      })),
      dangerouslyAllow: [],
    },
  ],
  own: [],
});
