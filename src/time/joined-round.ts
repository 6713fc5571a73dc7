/** A task that runs once at a time: who starts it while it runs joins that run. */
export class JoinedRound {
  private underWay: Promise<void> | undefined;

  constructor(private readonly task: () => Promise<void>) {}

  /** Ends as the task does, for all who joined. */
  run(): Promise<void> {
    return (this.underWay ??= this.task().finally(() => (this.underWay = undefined)));
  }

  /** The end of the run under way; at once where there is none. */
  async ended(): Promise<void> {
    await this.underWay;
  }
}
