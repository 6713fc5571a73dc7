import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import type { World } from './world.js';

const DEFAULT_URL = 'postgres://postgres@127.0.0.1:5432/test';

/** A database of its own on the server of TEST_POSTGRES_URL, dropped at the end of the scenario. */
export class PostgresDatabase {
  private constructor(
    private readonly name: string,
    private readonly serverUrl: string,
  ) {}

  static async create(world: World): Promise<PostgresDatabase> {
    const url = process.env.TEST_POSTGRES_URL ?? DEFAULT_URL;
    const server = await new DataSource({ type: 'postgres', url }).initialize();
    const name = `wtc_bench_${randomBytes(6).toString('hex')}`;
    await server.query(`CREATE DATABASE ${name}`);
    const database = new PostgresDatabase(name, url);
    world.atEnd(() => database.drop(server));
    return database;
  }

  get address(): { host: string; port: number } {
    const { hostname, port } = new URL(this.serverUrl);
    return { host: hostname, port: Number(port) || 5_432 };
  }

  /** @param port of a proxy before the server */
  url(port?: number): string {
    const url = new URL(this.serverUrl);
    url.pathname = `/${this.name}`;
    if (port !== undefined) {
      url.hostname = '127.0.0.1';
      url.port = String(port);
    }
    return url.href;
  }

  private async drop(server: DataSource): Promise<void> {
    await server.query(`DROP DATABASE ${this.name} WITH (FORCE)`);
    await server.destroy();
  }
}
