import type { Command } from 'commander';
import { segment, wholeNumber } from './arguments.js';
import { Session } from './session.js';
import type { Column } from './table.js';

const MOST = 200;
const DEFAULT = 20;
const MORE =
  'There are more: --limit 200 shows up to 200, --cursor goes on (--json has next_cursor).';

const REFRESHES: readonly Column[] = [
  ['AT', 'at'],
  ['KIND', 'kind'],
  ['CAUSE', 'cause'],
  ['OUTCOME', 'outcome'],
  ['ERRCODE', 'errcode'],
  ['SECONDS', 'duration'],
  ['VERSION', 'version'],
  ['REPLICA', 'replica'],
];

const AUDIT: readonly Column[] = [
  ['AT', 'at'],
  ['ACTOR', 'actor'],
  ['ACTION', 'action'],
  ['ACCOUNT', 'app_id'],
  ['TARGET', 'target'],
  ['OUTCOME', 'outcome'],
  ['COUNT', 'count'],
  ['SOURCE', 'source'],
];

interface PageOptions {
  readonly limit: number;
  readonly cursor?: string;
}

export function addHistoryCommands(program: Command): void {
  withPageOptions(
    program
      .command('refreshes')
      .description('the refreshes of an account, newest first')
      .requiredOption('--account <app_id>', 'whose refreshes'),
  ).action(
    async ({ account, limit, cursor }: PageOptions & { account: string }, command: Command) => {
      const session = new Session(command);
      const path = `/v1/admin/accounts/${segment(account)}/refreshes`;
      session.showPage(REFRESHES, await session.asAdmin().page(path, { limit, cursor }), MORE);
    },
  );

  withPageOptions(
    program
      .command('audit')
      .description('who did what, newest first')
      .option('--account <app_id>', 'only of this account')
      .option('--actor <actor>', 'only of admin, service or the client with this id')
      .option('--action <action>', 'only this, such as token.refresh')
      .option('--outcome <outcome>', 'only what ended so, such as failed or refused:forbidden'),
  ).action(
    async (
      options: PageOptions & {
        account?: string;
        actor?: string;
        action?: string;
        outcome?: string;
      },
      command: Command,
    ) => {
      const session = new Session(command);
      const { account: app_id, actor, action, outcome, limit, cursor } = options;
      const query = { app_id, actor, action, outcome, limit, cursor };
      session.showPage(AUDIT, await session.asAdmin().page('/v1/admin/audit', query), MORE);
    },
  );
}

function withPageOptions(command: Command): Command {
  return command
    .option('--limit <count>', 'how many', wholeNumber(1, MOST), DEFAULT)
    .option('--cursor <cursor>', 'next_cursor of the page before');
}
