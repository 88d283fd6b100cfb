/** Where in a slab, which others share, a stretch of bytes begins. */
export interface Space {
  readonly slab: Buffer;
  readonly offset: number;
}

const SLAB = 1 << 20;
const OWN_SLAB_FROM = 128 * 1024;
const NOTHING: Space = { slab: Buffer.alloc(0), offset: 0 };

/**
 * Packs many small ciphertexts into few large Buffers: each Buffer costs some 200 bytes of heap, and a bench holds a
 * million bodies. A slab is freed with the last body in it.
 */
export class CiphertextBuffer {
  private slab = NOTHING.slab;
  private used = 0;

  allocate(length: number): Space {
    if (length === 0) return NOTHING;
    if (length >= OWN_SLAB_FROM) return { slab: Buffer.allocUnsafeSlow(length), offset: 0 };
    if (this.used + length > this.slab.length) {
      this.slab = Buffer.allocUnsafeSlow(SLAB);
      this.used = 0;
    }
    const space = { slab: this.slab, offset: this.used };
    this.used += length;
    return space;
  }
}
