// The controls of one proposal. They are made when its card comes near the screen, in the place of the
// boxes that are ticked on paper.

/** Of each card the controls it has. */
const desks = new Map();
/** Where there are many proposals each is a line, which is shut at first. */
const isLine = card => card.matches('.l');
const isShut = card => isLine(card) ? !card.classList.contains('wide') : card.classList.contains('shut');

/** Gives a card its controls, once. */
function equip(card) {
  if (desks.has(card)) return desks.get(card);
  const proposal = proposalOn(card);
  const desk = { proposal, buttons: new Map() };
  desks.set(card, desk);
  card.tabIndex = -1;
  desk.chip = make('span', { className: 'chip' });
  desk.fold = button('', () => fold(proposal, !isShut(card)));
  (card.querySelector('.hd') || card.querySelector('h5')).append(make('span', { className: 'out' }, desk.fold));
  if (!isShut(card)) furnish(card, desk);
  label(card, desk);
  paint(proposal);
  return desk;
}

function label(card, { fold, proposal }) {
  fold.setAttribute('aria-expanded', String(!isShut(card)));
  fold.textContent = isShut(card) ? (isWhole(proposal) ? 'Change' : 'Expand') : 'Collapse';
  fold.setAttribute('aria-label', `${fold.textContent} ${proposal.id}`);
}

function furnish(card, desk) {
  const { proposal } = desk;
  if (desk.said || !asks(proposal)) return;
  const { id } = proposal;
  const row = make('div', { className: 'row verdicts' });
  const add = (decision, text, name) => {
    const made = button('', () => decide(proposal, decision, card), icon(name), text, hidden(` ${id}`));
    desk.buttons.set(decision, made);
    row.append(made);
  };
  if (mayApprove(proposal)) add('approve', 'Approve', 'ok');
  add('reject', 'Reject', 'no');
  add('escalate', 'Escalate', 'up');
  desk.details = make('div', { className: 'why' });
  desk.said = make('p', { className: 'said' });
  const made = make('div', { className: 'ask', role: 'group', 'aria-label': `Decide ${id}` }, row, desk.details, desk.said);
  if (proposal.same !== null) {
    desk.pick = make('input', { type: 'checkbox' });
    desk.pick.addEventListener('change', () => pick(proposal, desk.pick.checked));
    const label = make('label', { className: 'pick' }, desk.pick, hidden(`Select ${id}`));
    if (isLine(card)) row.append(label);
    else card.querySelector('.hd').prepend(label);
  }
  (card.querySelector('.act') || card).append(made);
}

// ---- deciding

/** What a button or a key says. Where it lacks something, that is asked next. */
function decide(proposal, decision, card) {
  if (!asks(proposal) || (decision === 'approve' && !mayApprove(proposal))) {
    toast(`${proposal.id} cannot be ${decision === 'approve' ? 'approved' : 'decided'}: its card says why`);
    return;
  }
  const before = decided.get(proposal.id);
  if (before?.decision !== decision) {
    const says = { decision, note: before?.note || '', via: 'single' };
    if (decision === 'escalate') says.escalate_until = form.answer_by;
    say([proposal], says, `${WORDS[decision].toLowerCase()} ${proposal.id}`);
  }
  settle(proposal, card);
}

const PARTS = { confirmed: 'confirmation', reason_code: 'reason', escalate_to: 'who decides' };

/** Adds to what was said: a confirmation, a reason, a person. */
function add(proposal, more, card) {
  say([proposal], { ...decided.get(proposal.id), ...more }, `${PARTS[Object.keys(more)[0]]} on ${proposal.id}`);
  settle(proposal, card);
}

function clear(proposal, card) {
  if (!decided.has(proposal.id)) return;
  say([proposal], null, `cleared ${proposal.id}`);
  fold(proposal, false);
  visit(card);
  announce(`${proposal.id} is undecided again`);
}

/** The reasons or people that digits choose, as pairs of what is written and what is said. */
function options(proposal) {
  const says = decided.get(proposal.id);
  if (says?.decision === 'reject') return reasonsFor([proposal]).map(([code]) => ['reason_code', code, sentence(reasonWords(proposal, code))]);
  if (says?.decision === 'escalate') return form.escalate_to.map(([to, words]) => ['escalate_to', to, sentence(words)]);
  return [];
}

function choose(proposal, at, card) {
  const [key, value] = options(proposal)[at] || [];
  if (key) add(proposal, { [key]: value }, card);
}

/** Folds what is whole and goes on to the next; asks for what is not. */
function settle(proposal, card) {
  const what = lacks(proposal, decided.get(proposal.id));
  const desk = equip(card);
  if (what) {
    fold(proposal, false);
    announce(`Not counted yet: ${what}`);
    (desk.details.querySelector('.lacks') || desk.details.querySelector('input, button, textarea'))?.focus();
    return;
  }
  fold(proposal, true);
  toast(`${outcome(proposal)}: ${proposal.id}`, button('Undo', back));
  visit(nextUndecided(card) || card);
}

/** The fields that a decision asks for; what is typed is kept as it is typed. */
function details(proposal, says, card) {
  const typed = key => event => {
    decided.set(proposal.id, { ...decided.get(proposal.id), [key]: event.target.value, decided_at: present() });
    paint(proposal, event.target);
    changed();
  };
  const on = (key, input) => {
    input.value = says[key] || '';
    input.addEventListener('input', typed(key));
    return input;
  };
  const fields = [];
  if (says.decision === 'approve' && isHeld(proposal)) {
    const tick = make('input', { type: 'checkbox', checked: says.confirmed === true, className: says.confirmed ? '' : 'lacks' });
    tick.addEventListener('change', () => add(proposal, { confirmed: tick.checked }, card));
    fields.push(make('label', { className: 'tick' }, tick, make('span', {}, 'I checked this evidence. ', make('kbd', { 'aria-hidden': 'true' }, 'c'))));
  }
  const list = options(proposal);
  if (list.length) {
    const group = make('div', { className: 'list', role: 'group', 'aria-label': says.decision === 'reject' ? 'Reason' : 'Who decides' });
    list.forEach(([key, value, text], at) => {
      const made = button('', () => choose(proposal, at, card), make('kbd', { 'aria-hidden': 'true' }, String(at + 1)), text);
      made.setAttribute('aria-pressed', String(says[key] === value));
      if (!says[key] && at === 0) made.className = 'lacks';
      group.append(made);
    });
    fields.push(group);
  }
  if (says.decision === 'escalate') {
    fields.push(field('Answer by', on('escalate_until', dayField())));
  }
  if (says.decision === 'approve' && form.operator) {
    fields.push(field('Change-control ticket', on('ticket', make('input', { type: 'text', maxLength: NAME, className: 'lacks' }))));
  }
  const needed = says.reason_code === 'other' || says.escalate_to === 'other';
  fields.push(field(needed ? 'Note, needed' : 'Note', on('note', make('textarea', { rows: 1, maxLength: NOTE, className: needed ? 'lacks' : '' }))));
  return fields;
}

// ---- showing

/** Shows what is decided; the field that is being typed in stays. */
function paint(proposal, typing) {
  const state = stateOf(proposal);
  for (const card of proposal.cards) {
    const desk = state === 'undecided' ? desks.get(card) : equip(card);
    if (state === 'undecided') delete card.dataset.decided;
    else card.dataset.decided = state;
    if (desk) show(card, desk, state, typing);
  }
}

function show(card, desk, state, typing) {
  const { proposal } = desk;
  const says = decided.get(proposal.id);
  const what = state === 'open' ? lacks(proposal, says) : '';
  desk.chip.remove();
  if (says) {
    desk.chip.replaceChildren(icon(what ? 'wait' : { approve: 'ok', reject: 'no', escalate: 'up' }[says.decision]), what ? 'Not complete' : outcome(proposal));
    desk.fold.before(desk.chip);
  }
  if (!desk.said) return;
  for (const [decision, made] of desk.buttons) made.setAttribute('aria-pressed', String(says?.decision === decision));
  if (!typing || !desk.details.contains(typing)) {
    desk.details.replaceChildren(...(says ? [...details(proposal, says, card), button('Clear', () => clear(proposal, card), hidden(` ${proposal.id}`))] : []));
  }
  desk.said.textContent = says ? (what ? `Not counted yet: ${what}.` : `${outcome(proposal)}.${says.note ? ` Note: ${says.note}` : ''}`) : undecided(proposal);
  if (desk.pick) desk.pick.checked = picked.has(proposal);
}

/** What stands where nothing is decided. */
function undecided(proposal) {
  if (proposal.approve === 'ask') return 'A question: look into it, then reject it as looked into or as already fixed, or pass it on. Undecided, nothing changes.';
  return 'Undecided: nothing changes.';
}

/** Folds the cards of a proposal to one line with its outcome, or opens them. */
function fold(proposal, shut) {
  for (const card of proposal.cards) {
    const desk = equip(card);
    if (isLine(card)) card.classList.toggle('wide', !shut);
    else card.classList.toggle('shut', shut);
    if (!shut) furnish(card, desk);
    label(card, desk);
  }
  paint(proposal);
}

/** The blocks that are on the screen or near it. */
const near = new Set();

/** Does something with many, with what is near the screen first. */
function* eachOf(some, act) {
  const isNear = one => one.cards.some(card => near.has(card.parentElement));
  for (const one of [...some.filter(isNear), ...some.filter(one => !isNear(one))]) {
    act(one);
    yield;
  }
}

const isEquipped = proposal => proposal.cards.some(card => desks.has(card));

/** True where it is shut when nobody is at it: a card that is decided, a line that lacks nothing. */
const isSettled = proposal => isLine(proposal.cards[0]) ? stateOf(proposal) !== 'open' : isWhole(proposal);

/** Shows what was said of many: each folds to its outcome, and what lacks something stands open. */
const showAll = some => inSlices(eachOf(some, one => {
  if (!decided.has(one.id) && !isEquipped(one)) return;
  fold(one, isSettled(one));
}));

// ---- going from one to the next

let current = null;
/** Whether somebody scrolled since they were at it. */
let strayed = false;

function visit(card) {
  if (!card) return;
  equip(card);
  uncover(card);
  current = card;
  strayed = false;
  card.focus({ preventScroll: true });
  const { top, bottom } = card.getBoundingClientRect();
  const bar = document.querySelector('.bar').offsetHeight + 8;
  if (top < bar || bottom > innerHeight - 16) scrollBy({ top: top - bar });
}

/** The next card that is shown and asks, after this one and then from the start. */
function nextUndecided(card) {
  const at = shown.indexOf(card);
  for (let n = 1; n <= shown.length; n += 1) {
    const one = shown[(at + n) % shown.length];
    if (asks(proposalOn(one)) && !decided.has(named(one))) return one;
  }
  return undefined;
}

let passing = 0;
/** Says for a while what was done or why it was not, and offers what is handed in: to undo it. */
function toast(text, ...offers) {
  untoast();
  const made = make('aside', { className: 'toast', 'aria-label': 'Last change' }, make('span', {}, text), ...offers);
  foot.prepend(made);
  announce(text);
  passing = setTimeout(untoast, 8_000);
}

/** What it offers to undo is the last step only as long as nothing else is said. */
function untoast() {
  clearTimeout(passing);
  const made = document.querySelector('.toast');
  const hadFocus = made?.contains(document.activeElement);
  made?.remove();
  if (hadFocus) current?.focus({ preventScroll: true });
}
