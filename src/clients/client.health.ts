import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ClientDirectory } from '../access/client-directory.js';
import { Readiness } from '../health/readiness.js';

/** Ready once the clients have been read: before, a good key could not be told from an unknown one. */
@Injectable()
export class ClientHealth implements OnModuleInit {
  constructor(
    private readonly readiness: Readiness,
    private readonly clients: ClientDirectory,
  ) {}

  onModuleInit(): void {
    this.readiness.register('clients', () =>
      this.clients.isLoaded ? undefined : 'not loaded from the database yet',
    );
  }
}
