import { byId, setText } from './dom.ts';

/** Asks whether something is to be done; the question names what it does, the button how it is called. */
export function confirmed(question: string, action: string): Promise<boolean> {
  const dialog = byId('confirm', HTMLDialogElement);
  setText(byId('confirm-question', HTMLElement), question);
  setText(byId('confirm-yes', HTMLButtonElement), action);
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}
