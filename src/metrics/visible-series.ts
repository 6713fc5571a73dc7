const APP_ID = /[{,]app_id="([^"]*)"/;

/** A scrape without the series of accounts other than these. */
export function withAccountsOnly(text: string, accounts: ReadonlySet<string>): string {
  return text
    .split('\n')
    .filter((line) => {
      const appId = line.startsWith('#') ? undefined : APP_ID.exec(line)?.[1];
      return appId === undefined || accounts.has(appId);
    })
    .join('\n');
}
