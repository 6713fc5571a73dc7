import { operatorChapter } from './operator-chapter.js';
import { pageChapter } from './page-chapter.js';
import { serverChapters } from './server-chapters.js';
import type { Chapter, Memory, Scene, Step } from './step.js';
import { readToken, tokenChapters } from './token-chapters.js';

/** Every main endpoint, in an order in which each answer can be foretold from those before. */
export function tellStory(scene: Scene): Chapter[] {
  return [
    ...tokenChapters(scene),
    pageChapter(scene),
    operatorChapter(scene),
    ...serverChapters(scene),
  ];
}

/** The step from which alone a memory can begin. */
export function firstStep(scene: Scene): Step {
  return readToken(scene);
}

export function emptyMemory(): Memory {
  return { token: '', version: 0, etag: '', deadToken: '' };
}
