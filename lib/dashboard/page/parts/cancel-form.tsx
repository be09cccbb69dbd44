import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Icon } from './icons.js';

interface CancelFormProps {
  /** On the button that cancels. */
  readonly action: string;
  /** There is nothing to confirm, or not yet. */
  readonly isDisabled?: boolean;
  readonly onConfirm: (message: string) => Promise<void>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** What is to be canceled, a message for those who read of it later, and the two ways out. */
export function CancelForm(props: CancelFormProps) {
  const { action, isDisabled = false, onConfirm, onClose, children } = props;
  const [message, setMessage] = useState('');
  const [isSent, setSent] = useState(false);
  const confirm = async (event: Event) => {
    event.preventDefault();
    if (isSent || isDisabled) return;
    setSent(true);
    try {
      await onConfirm(message);
    } finally {
      setSent(false);
    }
  };
  return (
    <form onSubmit={(event) => void confirm(event)}>
      {children}
      <label class="field wide">
        <span class="label">Message (optional)</span>
        <input
          type="text"
          value={message}
          maxLength={500}
          placeholder="Why? It is logged, and shown with the operation"
          autocomplete="off"
          onInput={({ currentTarget }) => setMessage(currentTarget.value)}
        />
      </label>
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Keep running
        </button>
        <button type="submit" class="danger" disabled={isDisabled || isSent}>
          <Icon name="stop" />
          {action}
        </button>
      </div>
    </form>
  );
}
