/**
 * The configuration is wrong. The message lists every problem at once, each as `NAME: what is wrong and what to do`,
 * and never a value.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    super(
      [
        'The configuration is wrong. Each variable is explained in docs/configuration.md.',
        ...problems.map((problem) => `  ${problem}`),
      ].join('\n'),
    );
  }
}
