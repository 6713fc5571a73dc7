import { DefaultNamingStrategy } from 'typeorm';

/** `appId` of an entity is the column `app_id`. TypeORM 0.3 has no such strategy of its own. */
export class SnakeNamingStrategy extends DefaultNamingStrategy {
  override columnName(propertyName: string, customName: string, prefixes: string[]): string {
    const name = customName || snakeCase(propertyName);
    return [...prefixes.map(snakeCase), name].join('_');
  }
}

function snakeCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
