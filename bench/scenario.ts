import type { Options } from './options.js';
import type { World } from './world.js';

/** One line of a result. */
export interface Figure {
  readonly name: string;
  /** As it is to be read, with its unit and spread. */
  readonly value: string;
  /** What the project wants of it; undefined where it is told for information. */
  readonly wanted?: { readonly text: string; readonly isMet: boolean };
}

export interface Scenario {
  readonly name: string;
  /** A sentence: what is asked of what. */
  readonly about: string;
  readonly run: (world: World, options: Options) => Promise<Figure[]>;
}
