import { Injectable } from '@nestjs/common';
import { timingSafeEqual } from 'node:crypto';
import { AppConfig } from '../config/app-config.js';
import { hashKey } from './presented-key.js';

/** ADMIN_API_KEY, kept as its digest and compared in constant time. */
@Injectable()
export class AdminKey {
  private readonly digest: Buffer;

  constructor({ keys }: AppConfig) {
    this.digest = Buffer.from(hashKey(keys.admin));
  }

  /** @param keyHash as {@link hashKey} makes it */
  matches(keyHash: string): boolean {
    return timingSafeEqual(Buffer.from(keyHash), this.digest);
  }
}
