import { Command } from 'commander';
import { addAccountCommands } from './account-commands.js';
import { addClientCommands } from './client-commands.js';
import { addHistoryCommands } from './history-commands.js';
import { addInit } from './init.js';
import { addTokenCommands } from './token-commands.js';

const HELP = `
The address of the service comes from --url or WECHAT_TOKEN_CENTER_URL (http://127.0.0.1:3000), the keys from
ADMIN_API_KEY and CLIENT_API_KEY, or from the files that ADMIN_API_KEY_FILE and CLIENT_API_KEY_FILE name; .env in the
working directory is read as well.

Exit codes: 0 done, 1 the service refused, 2 called wrongly, 3 no service answers.
docs/cli.md explains each command.`;

/** The whole command line; every wrong use ends in a CommanderError. */
export function createProgram(): Command {
  const program = new Command('wechat-token-center')
    .description('The first steps with a running WeChat Token Center, and the daily ones.')
    .option('--url <url>', 'where the service listens')
    .option('--allow-http', 'send the key over plain http to another machine')
    .option('--json', "the service's answer as JSON, for scripts")
    .addHelpText('after', HELP)
    .exitOverride();
  addInit(program);
  addAccountCommands(program);
  addClientCommands(program);
  addTokenCommands(program);
  addHistoryCommands(program);
  return program;
}
