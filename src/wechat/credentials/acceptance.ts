/** What WeChat itself has said of values, as this process heard it. Values, since one may have two versions. */
export class Acceptance {
  private refusedValue: string | undefined;
  private vouched = { version: 0, untilMs: 0 };

  /** WeChat refused it: also while the database cannot be told. */
  refuse(value: string): void {
    this.refusedValue = value;
  }

  isRefused(value: string): boolean {
    return this.refusedValue === value;
  }

  /** WeChat accepted it: should it be doubtful, it may be served until then. */
  vouch(version: number, untilMs: number): void {
    this.vouched = { version, untilMs };
  }

  /** 0 where it was never accepted. */
  vouchedUntilMs(version: number | undefined): number {
    return this.vouched.version === version ? this.vouched.untilMs : 0;
  }
}
