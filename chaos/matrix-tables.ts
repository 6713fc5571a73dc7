import type { RunResult } from './run-result.js';

const NAMES = { sqlite: 'SQLite', postgres: 'PostgreSQL', mysql: 'MariaDB' } as const;

/** Whole runs and those without a guard, each as a table in Markdown. */
export function markdownTables(results: readonly RunResult[]): string {
  const whole = results.filter(({ mutate }) => mutate === null).map(wholeRow);
  const mutated = results.flatMap((result) =>
    result.mutate === null ? [] : [[result.mutate, NAMES[result.database], found(result)]],
  );
  const header = ['database, mode', 'seed', 'faults', 'reads', 'dead reads', 'tokens minted'];
  return [
    ...(whole.length > 0 ? [table([...header, 'violated'], whole)] : []),
    ...(mutated.length > 0 ? [table(['without', 'database', 'the checker found'], mutated)] : []),
  ].join('\n\n');
}

function wholeRow(result: RunResult): string[] {
  const { database, mode, seed, faults, reads, deadReads, tokens } = result;
  const figures = [seed, faults, reads, deadReads, tokens].map((n) => n.toLocaleString('en'));
  return [`${NAMES[database]}, ${mode}`, ...figures, found(result)];
}

/** Each invariant with its first finding. */
function found({ violated }: RunResult): string {
  const texts = violated.map(({ invariant, found: all }) => {
    const more = all.length > 1 ? `, and ${all.length - 1} more` : '';
    return `${invariant}: ${all[0] ?? ''}${more}`;
  });
  return texts.length === 0 ? 'nothing' : texts.join('; ');
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
