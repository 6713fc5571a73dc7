import type { Command } from 'commander';
import { z } from 'zod';
import { CliEnvironment } from './environment.js';
import { serviceAddress } from './service-address.js';
import { ServiceConnection, type Item, type Page } from './service-connection.js';
import { fields, table, type Column } from './table.js';
import { lines, visibleJson } from './terminal-text.js';

const GlobalOptions = z.object({
  url: z.string().optional(),
  allowHttp: z.boolean().default(false),
  json: z.boolean().default(false),
});

/** One command's way to the service, with the key that it wants, and to standard output. */
export class Session {
  private readonly environment = new CliEnvironment();
  private readonly options: z.infer<typeof GlobalOptions>;

  constructor(command: Command) {
    this.options = GlobalOptions.parse(command.optsWithGlobals());
  }

  /** @throws UsageError when there is no admin key */
  asAdmin(): ServiceConnection {
    return this.connect(this.environment.adminKey());
  }

  /** @throws UsageError when there is no client key */
  asClient(): ServiceConnection {
    return this.connect(this.environment.clientKey());
  }

  showItem(item: Item): void {
    this.show(item, () => fields(item));
  }

  /** @param more what to say when there are more items than were asked for */
  showPage(columns: readonly Column[], page: Page, more = ''): void {
    this.show(page, () => {
      if (page.items.length === 0) {
        return 'None.';
      }
      const text = table(columns, page.items);
      return page.next_cursor === null || more === '' ? text : `${text}\n${more}`;
    });
  }

  /** For people alone: scripts go by the exit code. */
  say(text: string): void {
    if (!this.options.json) {
      process.stdout.write(`${lines(text)}\n`);
    }
  }

  private show(answer: object, words: () => string): void {
    const text = this.options.json ? visibleJson(answer) : lines(words());
    process.stdout.write(`${text}\n`);
  }

  private connect(key: string): ServiceConnection {
    const { url = this.environment.url, allowHttp } = this.options;
    return new ServiceConnection(serviceAddress(url, allowHttp), key);
  }
}
