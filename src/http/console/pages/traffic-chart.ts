const NAMESPACE = 'http://www.w3.org/2000/svg';
const WIDTH = 600;
const HEIGHT = 120;
const POINTS_MAX = 120;
/** So that a quiet gateway does not show its noise as mountains, bytes per second. */
const SCALE_MIN = 12_500;

/** What went over the gateway in one second, bytes. */
export interface TrafficPoint {
  readonly fromClients: number;
  readonly toClients: number;
}

/** Draws the traffic of the last two minutes, one point a second, the latest at the right. */
export class TrafficChart {
  readonly #fromClients: SVGPolylineElement;
  readonly #toClients: SVGPolylineElement;
  readonly #points: TrafficPoint[] = [];

  constructor(svg: SVGSVGElement) {
    svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute('preserveAspectRatio', 'none');
    for (const share of [0.25, 0.5, 0.75]) svg.append(gridLine(HEIGHT * share));
    this.#fromClients = line('from-clients');
    this.#toClients = line('to-clients');
    svg.append(this.#fromClients, this.#toClients);
  }

  /**
   * Adds a point.
   *
   * @param seconds - that it is the average of: more than one when nobody has seen the page meanwhile.
   * @returns what the top of the chart stands for, bytes per second.
   */
  add(point: TrafficPoint, seconds: number): number {
    const count = Math.min(Math.max(1, Math.round(seconds)), POINTS_MAX);
    for (let each = 0; each < count; each++) this.#points.push(point);
    this.#points.splice(0, Math.max(0, this.#points.length - POINTS_MAX));
    const highest = Math.max(...this.#points.flatMap((each) => [each.fromClients, each.toClients]));
    const top = roundUp(Math.max(highest, SCALE_MIN));
    this.#draw(this.#fromClients, top, ({ fromClients }) => fromClients);
    this.#draw(this.#toClients, top, ({ toClients }) => toClients);
    return top;
  }

  #draw(target: SVGElement, top: number, valueOf: (point: TrafficPoint) => number): void {
    const first = POINTS_MAX - this.#points.length;
    const places = this.#points.map((point, index) => {
      const x = ((first + index) / (POINTS_MAX - 1)) * WIDTH;
      const y = HEIGHT - (valueOf(point) / top) * (HEIGHT - 2) - 1;
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    });
    target.setAttribute('points', places.join(' '));
  }
}

/** The next 1, 2 or 5 times a power of ten in bits, that the scale changes seldom. */
function roundUp(bytesPerSecond: number): number {
  const bits = bytesPerSecond * 8;
  const power = 10 ** Math.floor(Math.log10(bits));
  const step = [1, 2, 5, 10].find((each) => each * power >= bits) ?? 10;
  return (step * power) / 8;
}

function line(name: string): SVGPolylineElement {
  const made = document.createElementNS(NAMESPACE, 'polyline');
  made.setAttribute('class', name);
  made.setAttribute('vector-effect', 'non-scaling-stroke');
  return made;
}

function gridLine(y: number): SVGLineElement {
  const made = document.createElementNS(NAMESPACE, 'line');
  const places = { x1: 0, x2: WIDTH, y1: y, y2: y, 'vector-effect': 'non-scaling-stroke' };
  for (const [name, value] of Object.entries(places)) made.setAttribute(name, String(value));
  return made;
}
