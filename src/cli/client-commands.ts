import type { Command } from 'commander';
import { collect, segment, wholeNumber } from './arguments.js';
import { assertConfirmed } from './confirmation.js';
import { UsageError } from './exit.js';
import { Session } from './session.js';
import type { Column } from './table.js';

const CLIENTS = '/v1/admin/clients';

const COLUMNS: readonly Column[] = [
  ['ID', 'id'],
  ['NAME', 'name'],
  ['SCOPES', 'scopes'],
  ['ACCOUNTS', 'accounts'],
  ['GATEWAY', 'gateway.allow'],
  ['EXPIRES', 'expires_at'],
  ['KEYS', 'keys'],
];

const KEEP = 'Keep the key now: it is shown this once.';

interface ClientOptions {
  readonly name?: string;
  readonly scope?: string[];
  readonly account?: string[];
  readonly allow?: string[];
  readonly perMinute?: number;
  readonly expiresAt?: string;
}

export function addClientCommands(program: Command): void {
  const clients = program.command('clients').description('the clients, and what they may do');

  clients
    .command('list')
    .description('every client')
    .action(async (_options: object, command: Command) => {
      const session = new Session(command);
      const items = await session.asAdmin().all(CLIENTS);
      session.showPage(COLUMNS, { items, next_cursor: null });
    });

  clients
    .command('show <id>')
    .description('one client and its keys')
    .action(async (id: string, _options: object, command: Command) => {
      const session = new Session(command);
      const client = await session.asAdmin().get(`${CLIENTS}/${segment(id)}`);
      session.showItem(client);
    });

  withClientOptions(
    clients
      .command('add [id]')
      .description('make a client and its first key, which is shown this once'),
  ).action(addClient);

  withClientOptions(
    clients
      .command('update <id>')
      .description('update a client; what is left out stays, and lists are replaced whole'),
  ).action(updateClient);

  clients
    .command('remove <id>')
    .description('remove a client; its keys are refused from then on')
    .option('--yes', 'this is meant')
    .action(async (id: string, options: { yes?: boolean }, command: Command) => {
      const session = new Session(command);
      assertConfirmed(options, `remove the client ${id} and all of its keys`);
      await session.asAdmin().delete(`${CLIENTS}/${segment(id)}`);
      session.say(`The client ${id} is removed.`);
    });

  addKeyCommands(program);
}

function addKeyCommands(program: Command): void {
  const keys = program
    .command('keys')
    .description('the keys of a client: two while one is rotated');

  keys
    .command('add <client_id>')
    .description('make another key, which is shown this once')
    .option('--name <name>', 'such as where it is used')
    .option('--expires-at <time>', 'such as 2027-01-31T00:00:00Z')
    .action(
      async (
        id: string,
        { name, expiresAt }: { name?: string; expiresAt?: string },
        command: Command,
      ) => {
        const session = new Session(command);
        const body = { name, expires_at: expiresAt };
        session.showItem(await session.asAdmin().post(`${CLIENTS}/${segment(id)}/keys`, body));
        session.say(KEEP);
      },
    );

  keys
    .command('revoke <client_id> <key_id>')
    .description('revoke a key; every replica refuses it within 2 seconds')
    .action(async (id: string, keyId: string, _options: object, command: Command) => {
      const session = new Session(command);
      await session.asAdmin().delete(`${CLIENTS}/${segment(id)}/keys/${segment(keyId)}`);
      session.say(`The key ${keyId} is revoked.`);
    });
}

function withClientOptions(command: Command): Command {
  return command
    .option('--name <name>', 'for people')
    .option('--scope <scope>', 'such as token:read; several, or with commas', collect)
    .option('--account <app_id>', 'an AppID, or all; several, or with commas', collect)
    .option(
      '--allow <rule>',
      "what it may call at WeChat, such as 'POST /cgi-bin/draft/*' or @messages; several, or with commas; or none",
      collect,
    )
    .option('--per-minute <calls>', 'calls at WeChat in a minute', wholeNumber(1, 100_000))
    .option('--expires-at <time>', 'such as 2027-01-31T00:00:00Z, or never');
}

async function addClient(
  id: string | undefined,
  options: ClientOptions,
  command: Command,
): Promise<void> {
  const session = new Session(command);
  const service = session.asAdmin();
  if (options.scope === undefined) {
    throw new UsageError('Say what it may do, such as --scope token:read,token:report.');
  }
  const name = options.name ?? id ?? 'unnamed';
  session.showItem(await service.post(CLIENTS, { ...bodyOf(options), id, name }));
  session.say(KEEP);
}

async function updateClient(id: string, options: ClientOptions, command: Command): Promise<void> {
  const session = new Session(command);
  const service = session.asAdmin();
  const body = bodyOf(options);
  if (Object.values(body).every((value) => value === undefined)) {
    throw new UsageError('Nothing to update. See `clients update --help`.');
  }
  session.showItem(await service.patch(`${CLIENTS}/${segment(id)}`, body));
}

function bodyOf(options: ClientOptions): object {
  const { name, scope, account, allow, perMinute, expiresAt } = options;
  const rules = allow?.includes('none') === true ? [] : allow;
  return {
    name,
    scopes: scope,
    accounts: account?.includes('all') === true ? 'all' : account,
    gateway:
      rules === undefined && perMinute === undefined
        ? undefined
        : { allow: rules, per_minute: perMinute },
    expires_at: expiresAt === 'never' ? null : expiresAt,
  };
}
