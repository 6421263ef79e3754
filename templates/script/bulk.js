// Several at once: only of one rule and one proposal, with a sample to read and the count typed. What is
// held is approved one by one.

const picked = new Set();
const SAMPLE = 3;

/** Selects a proposal, or not any more; a selection holds one rule and one proposal. */
function pick(proposal, wanted) {
  if (!asks(proposal) || proposal.same === null) {
    toast('No other proposal of its rule asks for the same change: it is decided by itself.');
    return;
  }
  const [first] = picked;
  if (wanted && first && first.same !== proposal.same) {
    announce('A selection holds proposals of one rule that ask for the same change. Clear it first.');
    problem.textContent = 'A selection holds proposals of one rule that ask for the same change. Clear the selection first.';
    paint(proposal);
    return;
  }
  problem.textContent = standing();
  if (wanted) picked.add(proposal);
  else picked.delete(proposal);
  paint(proposal);
  bulkBar();
  announce(`${grouped(picked.size)} selected`);
}

function pickAll(wanted) {
  const [first] = picked;
  const before = [...picked];
  if (wanted) for (const one of first ? alikes(first) : []) picked.add(one);
  else picked.clear();
  inSlices(eachOf([...new Set([...before, ...picked])].filter(isEquipped), one => paint(one)));
  bulkBar();
  announce(`${grouped(picked.size)} selected`);
}

/** Those that are shown, undecided, and ask for the same by the same rule. */
const alikes = first => [...new Set(shown.map(proposalOn))]
  .filter(one => one.same === first.same && asks(one) && (stateOf(one) === 'undecided' || picked.has(one)));

const isFree = proposal => proposal.approve === 'free';

/** Why several like this are not approved together. */
const unapproved = ({ approve }) => ({
  held: 'Held ones are approved one at a time, each on its card.',
  ask: 'Questions have nothing to approve.',
}[approve] || 'These cannot be approved: each says why.');

const bulk = make('div', { className: 'bulk', role: 'region', 'aria-label': 'Selection', hidden: true });
/** What stands at the foot of the screen: what was done last, and the selection beside it. */
const foot = make('div', { className: 'foot' }, bulk);

function bulkBar() {
  bulk.hidden = !picked.size;
  root.classList.toggle('picking', picked.size > 0);
  if (!picked.size) {
    bulk.replaceChildren();
    return;
  }
  const [first] = picked;
  const more = new Set([...picked, ...alikes(first)]).size;
  bulk.replaceChildren(
    make('b', {}, `${grouped(picked.size)} selected`),
    ...(more > picked.size ? [button(`Select all ${grouped(more)} alike`, () => {
      pickAll(true);
      bulk.querySelector('button')?.focus();
    })] : []),
    ...([...picked].some(isFree) ? [button('Approve', () => together('approve'))] : [make('span', { className: 'dim' }, unapproved(first))]),
    button('Reject', () => together('reject')),
    button('Escalate', () => together('escalate')),
    button('Clear selection', () => {
      pickAll(false);
      visit(current);
    }),
  );
}

/** Asks for one decision on all that is selected. */
function together(decision) {
  const some = [...picked].filter(one => decision !== 'approve' || isFree(one));
  const left = picked.size - some.length;
  const verb = { approve: 'Approve', reject: 'Reject', escalate: 'Escalate' }[decision];
  const [first] = some;
  if (!first) return;
  const says = { decision, via: 'bulk' };
  const wrong = make('p', { className: 'wrong', role: 'alert' });
  const fields = [];
  const on = (key, input) => {
    input.addEventListener('input', () => { says[key] = input.value; });
    return input;
  };
  if (decision === 'reject') fields.push(field('One reason for all', on('reason_code', choice('Choose a reason', reasonsFor(some).map(([code]) => [code, sentence(reasonWords(first, code))])))));
  if (decision === 'escalate') {
    says.escalate_until = form.answer_by;
    fields.push(field('Who decides', on('escalate_to', choice('Choose who decides', form.escalate_to.map(([to, words]) => [to, sentence(words)])))));
    fields.push(field('Answer by', on('escalate_until', dayField({ value: form.answer_by }))));
  }
  if (decision === 'approve' && form.operator) fields.push(field('Change-control ticket', on('ticket', make('input', { type: 'text', maxLength: NAME }))));
  fields.push(field('Note', on('note', make('textarea', { rows: 1, maxLength: NOTE }))));
  const typed = make('input', { type: 'text', inputMode: 'numeric', autocomplete: 'off' });
  fields.push(field(`Type ${some.length} to confirm the count`, typed));
  const box = dialog(`${verb} ${counted(some.length, 'proposal')}`,
    make('p', {}, `All of ${first.rule} ${first.name}, and all ask for the same: `, make('b', {}, form.asks[first.same]), '.'),
    ...(left ? [make('p', { className: 'gap' }, `${counted(left, 'proposal')} left out: held or incomplete ones are approved one at a time.`)] : []),
    make('p', { className: 'lab' }, `A sample to read, ${Math.min(SAMPLE, some.length)} of ${grouped(some.length)}`),
    ...sample(some),
    ...fields, wrong,
    make('div', { className: 'row' }, button(`${verb} ${grouped(some.length)}`, () => {
      const lacking = lacks(first, says);
      if (lacking) wrong.textContent = `${sentence(lacking)}.`;
      else if (typed.value.trim() !== String(some.length)) wrong.textContent = `Type ${some.length} to confirm the count.`;
      else {
        box.close();
        say(some, says, `${WORDS[decision].toLowerCase()} ${counted(some.length, 'proposal')}`);
        showAll(some);
        pickAll(false);
        toast(`${WORDS[decision]}: ${counted(some.length, 'proposal')}`, button('Undo', back));
        visit(nextUndecided(current) || current);
      }
    })));
}

/** The first, the middle and the last, each with its evidence. */
function sample(some) {
  const at = [...new Set([0, Math.floor((some.length - 1) / 2), some.length - 1])].slice(0, SAMPLE);
  return at.map((n, nth) => {
    const [card] = some[n].cards;
    const head = make('summary', {}, make('span', { className: 'id' }, some[n].id), ` ${titleOf(card)}`);
    return make('details', { className: 'd', open: nth === 0 }, head, card.querySelector('.evi, .tell').cloneNode(true));
  });
}

/** The sentence on a card, without its controls. */
function titleOf(card) {
  const title = card.querySelector('h5').cloneNode(true);
  for (const part of title.querySelectorAll('.out, .sev, .id, small')) part.remove();
  return title.textContent.trim();
}
