import { randomBytes } from 'node:crypto';

const MIB = 1_048_576;
/** Older files are gone once all of them are larger. */
const KEPT_BYTES = 32 * MIB;

export interface MediaFile {
  readonly bytes: Buffer;
  readonly contentType: string;
  /** Of the name that it was uploaded with; empty where it had none. */
  readonly extension: string;
}

/** One account's files, temporary and permanent alike. */
export class MediaBox {
  private readonly files = new Map<string, MediaFile>();
  private total = 0;

  /** @returns its media_id */
  add(file: MediaFile): string {
    const mediaId = randomBytes(48).toString('base64url');
    this.files.set(mediaId, file);
    this.total += file.bytes.length;
    for (const [id, { bytes }] of this.files) {
      if (this.total <= KEPT_BYTES) {
        break;
      }
      this.files.delete(id);
      this.total -= bytes.length;
    }
    return mediaId;
  }

  find(mediaId: string): MediaFile | undefined {
    return this.files.get(mediaId);
  }
}
