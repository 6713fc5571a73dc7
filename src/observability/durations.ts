/** Upper bounds in milliseconds: a read from memory stands in the first, one that waited its 60 s in the last. */
const BOUNDS_MS = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 60_000,
];

/**
 * The durations of one series. Who measures often keeps it at hand: to observe is a look at one array.
 * prom-client's own histogram looks a series up by its labels each time.
 */
export class Durations {
  private readonly counts = new Float64Array(BOUNDS_MS.length + 1);
  private sumMs = 0;

  observe(ms: number): void {
    let index = 0;
    while (ms > (BOUNDS_MS[index] ?? Infinity)) {
      index += 1;
    }
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sumMs += ms;
  }

  /** As Prometheus counts: each bucket holds those below it as well. @param labels `a="x",b="y"` */
  lines(name: string, labels: string): string[] {
    let count = 0;
    const buckets = [...this.counts].map((inBucket, index) => {
      count += inBucket;
      const boundMs = BOUNDS_MS[index];
      const le = boundMs === undefined ? '+Inf' : boundMs / 1_000;
      return `${name}_bucket{${[`le="${le}"`, ...(labels === '' ? [] : [labels])].join(',')}} ${count}`;
    });
    return [
      ...buckets,
      `${name}_sum{${labels}} ${this.sumMs / 1_000}`,
      `${name}_count{${labels}} ${count}`,
    ];
  }
}

export interface DurationSeries<Label extends string> {
  readonly labels: Readonly<Record<Label, string>>;
  readonly durations: Durations;
}

/** A histogram whose series are kept elsewhere, as the text of a scrape. */
export function histogramText<Label extends string>(
  { name, help }: { readonly name: string; readonly help: string },
  series: Iterable<DurationSeries<Label>>,
): string {
  const lines = [...series].flatMap(({ labels, durations }) =>
    durations.lines(name, textOf(labels)),
  );
  return [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`, ...lines, ''].join('\n');
}

function textOf(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    .join(',');
}
