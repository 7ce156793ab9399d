import type { Answers, Question, Subjects } from './worker-protocol.ts';

interface Open {
  readonly worker: number;
  resolve(answer: Answers[keyof Answers] | undefined): void;
}

/** Questions to workers that are not answered yet. */
export class WorkerQuestions {
  readonly #openByRequest = new Map<number, Open>();
  #lastRequest = 0;

  /** Numbers a question for `post`; resolves with the answer, or undefined when the worker is given up. */
  ask<Kind extends keyof Answers>(
    worker: number,
    kind: Kind,
    subject: Subjects[Kind],
    post: (question: Question) => void,
  ): Promise<Answers[Kind] | undefined> {
    const request = ++this.#lastRequest;
    return new Promise((resolve) => {
      this.#openByRequest.set(request, {
        worker,
        resolve: resolve as Open['resolve'],
      });
      post({ request, kind, subject } as Question);
    });
  }

  /** An answer has come; one to a question that was given up is ignored. */
  answer(request: number, answer: Answers[keyof Answers]): void {
    this.#take(request)?.resolve(answer);
  }

  /** Answers come no more from a worker. */
  giveUp(worker: number): void {
    for (const [request, open] of this.#openByRequest) {
      if (open.worker === worker) this.#take(request)?.resolve(undefined);
    }
  }

  #take(request: number): Open | undefined {
    const open = this.#openByRequest.get(request);
    this.#openByRequest.delete(request);
    return open;
  }
}
