import type { Answers, IceCandidate, Side } from './media-server.ts';

/** What the media process is asked to do. */
export type WeriftRequest =
  | { readonly does: 'open'; readonly call: number }
  | {
      readonly does: 'accept';
      readonly call: number;
      readonly callerOffer: string;
      readonly calleeOffer: string;
    }
  | {
      readonly does: 'candidate';
      readonly call: number;
      readonly side: Side;
      readonly candidate: IceCandidate;
    }
  | { readonly does: 'close'; readonly call: number };

/** What the media process says of a call. */
export type WeriftReply =
  | { readonly says: 'answers'; readonly call: number; readonly answers: Answers }
  | { readonly says: 'ended'; readonly call: number; readonly reason: string };
