import type { Command } from 'commander';
import { collect, segment, wholeNumber } from './arguments.js';
import { assertConfirmed } from './confirmation.js';
import { UsageError } from './exit.js';
import { readSecret } from './secret-input.js';
import { Session } from './session.js';
import type { Column } from './table.js';

const ACCOUNTS = '/v1/admin/accounts';
const SECRET_FILE = '--app-secret-file';
const TOKEN_FILE = '--access-token-file';
const HOSTS_OPTION = '--jssdk-hosts <hosts>';
const HOSTS_HELP = 'whose pages are signed for: a.cn, *.a.cn or any; several, or with commas';
const LONGEST_LIFE_SECONDS = 86_400;

const COLUMNS: readonly Column[] = [
  ['APPID', 'app_id'],
  ['NAME', 'name'],
  ['MODE', 'mode'],
  ['ENABLED', 'enabled'],
  ['STATE', 'access_token.state'],
  ['VERSION', 'access_token.version'],
  ['EXPIRES', 'access_token.expires_at'],
  ['FAILURES', 'access_token.failures_in_a_row'],
  ['LAST ERROR', 'access_token.last_error.errmsg'],
];

interface AddOptions {
  readonly name?: string;
  readonly mode?: string;
  readonly enabled: boolean;
  readonly jssdkHosts?: string[];
  readonly appSecretFile?: string;
  readonly accessTokenFile?: string;
  readonly expiresIn?: number;
}

interface UpdateOptions {
  readonly name?: string;
  readonly mode?: string;
  readonly enable?: boolean;
  readonly disable?: boolean;
  readonly jssdkHosts?: string[];
  readonly appSecret?: boolean;
  readonly appSecretFile?: string;
}

export function addAccountCommands(program: Command): void {
  const accounts = program
    .command('accounts')
    .description('the accounts, and how their tokens are');

  accounts
    .command('list')
    .description('every account')
    .action(async (_options: object, command: Command) => {
      const session = new Session(command);
      const items = await session.asAdmin().all(ACCOUNTS);
      session.showPage(COLUMNS, { items, next_cursor: null });
    });

  accounts
    .command('show <app_id>')
    .description('one account: its token, its next refresh, its last error and what to do about it')
    .action(async (appId: string, _options: object, command: Command) => {
      const session = new Session(command);
      session.showItem(await session.asAdmin().get(`${ACCOUNTS}/${segment(appId)}`));
    });

  accounts
    .command('add <app_id>')
    .description('add an account; the AppSecret comes from standard input or a file')
    .option('--name <name>', 'for people')
    .option('--mode <mode>', 'stable or legacy (default: stable)')
    .option('--no-enabled', 'add it switched off')
    .option(HOSTS_OPTION, HOSTS_HELP, collect)
    .option(`${SECRET_FILE} <path>`, 'the file that holds the AppSecret')
    .option(`${TOKEN_FILE} <path>`, 'the file that holds a live token, to take it over')
    .option(
      '--expires-in <seconds>',
      'how long that token still lives',
      wholeNumber(1, LONGEST_LIFE_SECONDS),
    )
    .action(addAccount);

  accounts
    .command('update <app_id>')
    .description('update an account; what is left out stays')
    .option('--name <name>', 'for people')
    .option('--mode <mode>', 'stable or legacy')
    .option('--enable', 'hand its token out again')
    .option('--disable', 'answer 403 to clients, and ask nothing of WeChat')
    .option(HOSTS_OPTION, HOSTS_HELP, collect)
    .option('--app-secret', 'another AppSecret, from standard input')
    .option(`${SECRET_FILE} <path>`, 'another AppSecret, from this file')
    .action(updateAccount);

  accounts
    .command('remove <app_id>')
    .description('remove an account, its AppSecret and its tokens')
    .option('--yes', 'this is meant')
    .action(async (appId: string, options: { yes?: boolean }, command: Command) => {
      const session = new Session(command);
      assertConfirmed(options, `remove the account ${appId}, its AppSecret and its tokens`);
      await session.asAdmin().delete(`${ACCOUNTS}/${segment(appId)}`);
      session.say(`The account ${appId} is removed.`);
    });
}

async function addAccount(appId: string, options: AddOptions, command: Command): Promise<void> {
  const session = new Session(command);
  const service = session.asAdmin();
  const { name, mode, enabled, accessTokenFile, expiresIn } = options;
  if ((accessTokenFile === undefined) !== (expiresIn === undefined)) {
    throw new UsageError(`${TOKEN_FILE} and --expires-in belong together. Give both or neither.`);
  }
  const hosts = hostsOf(options);
  const token =
    accessTokenFile === undefined
      ? undefined
      : await readSecret('The token', accessTokenFile, TOKEN_FILE);
  const account = await service.post(ACCOUNTS, {
    app_id: appId,
    app_secret: await readSecret('The AppSecret', options.appSecretFile, SECRET_FILE),
    name,
    mode,
    enabled,
    jssdk_hosts: hosts,
    access_token: token,
    expires_in: expiresIn,
  });
  session.showItem(account);
  if (enabled && (token === undefined || mode !== 'legacy')) {
    session.say(`WeChat is being asked with its AppSecret. How that went: accounts show ${appId}`);
  } else if (token !== undefined) {
    session.say('Its AppSecret has not been tried: it is when the next token is due.');
  }
}

async function updateAccount(
  appId: string,
  options: UpdateOptions,
  command: Command,
): Promise<void> {
  const session = new Session(command);
  const service = session.asAdmin();
  const { name, mode, appSecret, appSecretFile } = options;
  const changesSecret = appSecret === true || appSecretFile !== undefined;
  const enabled = enabledOf(options);
  const hosts = hostsOf(options);
  if ([name, mode, enabled, hosts].every((value) => value === undefined) && !changesSecret) {
    throw new UsageError('Nothing to update. See `accounts update --help`.');
  }
  const account = await service.patch(`${ACCOUNTS}/${segment(appId)}`, {
    name,
    mode,
    enabled,
    jssdk_hosts: hosts,
    app_secret: changesSecret
      ? await readSecret('The AppSecret', appSecretFile, SECRET_FILE)
      : undefined,
  });
  session.showItem(account);
}

function enabledOf({ enable, disable }: UpdateOptions): boolean | undefined {
  if (enable === true && disable === true) {
    throw new UsageError('--enable and --disable exclude each other.');
  }
  return enable === true ? true : disable === true ? false : undefined;
}

/** `any` is written out, so that an empty variable of a script does not open an account to every page. */
function hostsOf({ jssdkHosts }: Pick<AddOptions, 'jssdkHosts'>): string[] | undefined {
  if (jssdkHosts?.length === 0) {
    throw new UsageError(
      '--jssdk-hosts names none. Name hosts, or write any to sign for all pages.',
    );
  }
  return jssdkHosts?.includes('any') === true ? [] : jssdkHosts;
}
