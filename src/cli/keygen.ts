import type { Command } from 'commander';
import { randomBytes } from 'node:crypto';

const ENCRYPTION_KEY_BYTES = 32;
const API_KEY_BYTES = 24;

export function addKeygen(program: Command): void {
  program
    .command('keygen')
    .description('make an encryption key and an admin key, as lines for .env')
    .option('--client', 'also a CLIENT_API_KEY, for a deployment with one client')
    .action(({ client }: { client?: boolean }) => {
      const lines = [
        `ADMIN_API_KEY=${apiKey()}`,
        ...(client === true ? [`CLIENT_API_KEY=${apiKey()}`] : []),
        `ENCRYPTION_KEY=${randomBytes(ENCRYPTION_KEY_BYTES).toString('base64')}`,
      ];
      process.stdout.write(`${lines.join('\n')}\n`);
    });
}

function apiKey(): string {
  return randomBytes(API_KEY_BYTES).toString('hex');
}
