import { readFileSync } from 'node:fs';

/** A query of the Grafana dashboard. */
export interface PanelQuery {
  /** Title of its panel. */
  readonly panel: string;
  readonly expr: string;
}

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** Every query of the dashboard, as Grafana asks it for all gateways: by default with the rates of one minute. */
export function readDashboard(rateInterval = '1m'): PanelQuery[] {
  const file = new URL('../../config/grafana/turnpike.json', import.meta.url);
  const { panels } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly panels: readonly Panel[];
  };
  return panels
    .filter(({ type }) => type !== 'row')
    .flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({
        panel: title,
        expr: expr.replaceAll('$__rate_interval', rateInterval).replaceAll('$instance', '.*'),
      })),
    );
}
