/**
 * Whether `NO_PROXY` excludes a host, as curl reads it: entries separated by commas or blanks; `*` is every host;
 * `qq.com`, `.qq.com` and `*.qq.com` are that host and all below it; an entry may end with `:port`.
 */
export function isExcludedFromProxy(url: URL, noProxy: string | undefined): boolean {
  const host = url.hostname.toLowerCase();
  const port = url.port === '' ? '443' : url.port;
  return (noProxy ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') {
        return true;
      }
      const [, name = '', entryPort] = /^(.+?)(?::(\d+))?$/.exec(entry.replace(/^\*?\./, '')) ?? [];
      return (
        (entryPort === undefined || entryPort === port) &&
        (host === name || host.endsWith(`.${name}`))
      );
    });
}
