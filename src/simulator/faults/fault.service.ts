import { Injectable, NotFoundException } from '@nestjs/common';
import type { Fault, FaultSpec } from './fault.dto.js';

/** The faults that wait for calls, in the order in which they were set: a call takes the first that fits. */
@Injectable()
export class FaultService {
  private readonly faults = new Map<number, Fault>();
  private lastId = 0;

  all(): Fault[] {
    return [...this.faults.values()];
  }

  add(spec: FaultSpec): Fault {
    this.lastId += 1;
    const fault: Fault = { id: this.lastId, struck: 0, ...spec };
    this.faults.set(fault.id, fault);
    return fault;
  }

  /** Spends one of the fault's times; a fault without any left is over. */
  take(path: string, appId: string | null, moment: 'before_body' | 'later'): Fault | undefined {
    const fault = this.all().find(
      (candidate) =>
        candidate.path === path &&
        (candidate.app_id === undefined || candidate.app_id === appId) &&
        strikesBeforeBody(candidate) === (moment === 'before_body'),
    );
    if (fault === undefined) {
      return undefined;
    }
    fault.struck += 1;
    if (fault.times !== 'always' && fault.struck >= fault.times) {
      this.faults.delete(fault.id);
    }
    return fault;
  }

  remove(id: number): void {
    if (!this.faults.delete(id)) {
      throw new NotFoundException(
        `no fault ${id} is waiting: it is over, was cleared, or never was`,
      );
    }
  }

  clear(path?: string): void {
    for (const fault of this.all()) {
      if (path === undefined || fault.path === path) {
        this.faults.delete(fault.id);
      }
    }
  }
}

function strikesBeforeBody(fault: FaultSpec): boolean {
  return 'before_body' in fault && fault.before_body;
}
