import type { Command } from 'commander';
import { segment, wholeNumber } from './arguments.js';
import type { Item } from './service-connection.js';
import { Session } from './session.js';

const LONGEST_WAIT_SECONDS = 60;
/** Enough to tell two tokens apart, and of no use to anybody. */
const SHOWN_CHARACTERS = 6;

interface ShowOptions {
  readonly account: string;
  readonly reveal?: boolean;
}

interface RefreshOptions {
  readonly account: string;
  readonly force?: boolean;
  readonly reason?: string;
  readonly wait?: number;
}

export function addTokenCommands(program: Command): void {
  const token = program.command('token').description('the access_token of an account');
  const wait = wholeNumber(0, LONGEST_WAIT_SECONDS);

  token
    .command('show')
    .description('the token that is live now, as a client gets it: wants CLIENT_API_KEY')
    .requiredOption('--account <app_id>', 'whose token')
    .option('--reveal', 'the token itself, and not only its beginning')
    .action(async ({ account, reveal }: ShowOptions, command: Command) => {
      const session = new Session(command);
      const path = `/v1/accounts/${segment(account)}/access-token`;
      const answer = await session.asClient().get(path);
      session.showItem(reveal === true ? answer : concealed(answer));
    });

  token
    .command('refresh')
    .description('ask WeChat for a token now')
    .requiredOption('--account <app_id>', 'whose token')
    .option('--force', 'replace a good token (stable mode: 20 a day, 30 s apart)')
    .option('--reason <text>', 'for the history')
    .option('--wait <seconds>', 'for the floor between two fetches', wait)
    .action(async ({ account, force, reason, wait: seconds }: RefreshOptions, command: Command) => {
      const session = new Session(command);
      const path = `/v1/admin/accounts/${segment(account)}/access-token/refresh`;
      const body = { force: force === true, reason };
      session.showItem(await session.asAdmin().post(path, body, { wait: seconds }));
    });
}

/** Terminals are recorded and shared. */
function concealed({ access_token: token, ...rest }: Item): Item {
  return {
    ...rest,
    token_begins: typeof token === 'string' ? token.slice(0, SHOWN_CHARACTERS) : '',
  };
}
