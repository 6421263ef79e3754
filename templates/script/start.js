// The bar, the keys, and the start.

const done = make('p', { className: 'count' });
const segments = make('div', { className: 'segments', role: 'img' });

/** A dialog that is made when it is asked for, and gone when it closes. */
function dialog(title, ...children) {
  const head = make('h2', { id: 'dialog-h' }, title);
  const made = make('dialog', { 'aria-labelledby': 'dialog-h' }, head, ...children, make('div', { className: 'row last' }, button('Close', () => made.close())));
  made.addEventListener('close', () => made.remove());
  document.body.append(made);
  made.showModal();
  return made;
}

/** Counts what is decided: in the bar, and beside each family. */
function total() {
  const counts = { approve: 0, reject: 0, escalate: 0, open: 0, undecided: 0 };
  const families = new Map();
  for (const one of open) {
    const state = stateOf(one);
    counts[state] += 1;
    const family = families.get(one.family) || [0, 0];
    family[1] += 1;
    if (Object.hasOwn(WORDS, state)) family[0] += 1;
    families.set(one.family, family);
  }
  const whole = counts.approve + counts.reject + counts.escalate;
  done.textContent = `${grouped(whole)} of ${grouped(form.open)} decided${counts.open ? `, ${grouped(counts.open)} not complete` : ''}`;
  segments.replaceChildren(...Object.entries(counts).filter(([, n]) => n).map(([state, n]) => {
    const part = make('span', { className: state });
    part.style.setProperty('flex-grow', n);
    return part;
  }));
  segments.setAttribute('aria-label', `${counts.approve} approved, ${counts.reject} rejected, ${counts.escalate} escalated, ${counts.open} not complete, ${counts.undecided} undecided`);
  if (!form.decides || open.length < form.open) return;
  for (const [family, [part, all]] of families) {
    const count = document.querySelector(`.rail a[href="#${family}"] .c`);
    if (count) count.textContent = `${grouped(part)}/${grouped(all)}`;
  }
}

// ---- keys

const single = make('input', { type: 'checkbox', checked: true });

function next() {
  const one = nextUndecided(current);
  if (one) visit(one);
  else toast('Nothing undecided in this view');
}

function go(step) {
  const at = shown.indexOf(current);
  visit(shown[at < 0 ? (step > 0 ? firstSeen() : shown.length - 1) : at + step]);
}

/** The first card on the screen, so that a key begins where one reads. */
function firstSeen() {
  // Where a block is above the screen, the browser is not asked to lay out what is in it.
  const isBelow = part => part.getBoundingClientRect().bottom > 80;
  const above = new Set([...blocks.keys()].filter(part => !isBelow(part)));
  return Math.max(0, shown.findIndex(card => !above.has(card.parentElement) && isBelow(card)));
}

const isOnScreen = ({ top, bottom }) => bottom > 80 && top < innerHeight;
const SCROLLS = ['PageUp', 'PageDown', 'Home', 'End', 'ArrowUp', 'ArrowDown', ' '];
for (const type of ['wheel', 'touchmove', 'keydown']) {
  addEventListener(type, ({ key }) => { strayed ||= !key || SCROLLS.includes(key); }, { passive: true });
}

/** Does something with the card that one is at; one that was scrolled away is shown first. */
const here = act => () => {
  if (!current?.isConnected || current.closest('[hidden]')) return;
  if (strayed && !isOnScreen(current.getBoundingClientRect())) visit(current);
  else act(proposalOn(current), current);
};

const KEYS = [
  ['j', 'Next proposal', () => go(1)],
  ['k', 'Proposal before', () => go(-1)],
  ['n', 'Next undecided', next],
  ['a', 'Approve', here((one, card) => decide(one, 'approve', card))],
  ['c', 'Confirm the evidence of a held one', here((one, card) => {
    if (decided.get(one.id)?.decision === 'approve' && isHeld(one)) add(one, { confirmed: true }, card);
  })],
  ['r', 'Reject, then a digit for the reason', here((one, card) => decide(one, 'reject', card))],
  ['e', 'Escalate, then a digit for who decides', here((one, card) => decide(one, 'escalate', card))],
  ['u', 'Clear what is decided', here(clear)],
  ['o', 'Fold or open', here((one, card) => fold(one, !isShut(card)))],
  ['x', 'Select, to decide several at once', here(one => pick(one, !picked.has(one)))],
  ['s', 'Go to what is selected', () => bulk.querySelector('button')?.focus()],
  ['z', 'Undo, up to 100 steps', back],
  ['/', 'Search', () => { sieveBox.open = true; search.focus(); search.select(); }],
  ['?', 'This list', help],
];
const READING = ['j', 'k', 'o', '/', '?'];

function help() {
  const listed = KEYS.filter(([name]) => form.decides || READING.includes(name))
    .flatMap(([name, what]) => [make('dt', {}, make('kbd', {}, name)), make('dd', {}, what)]);
  dialog('Shortcut keys', make('dl', { className: 'kv' }, ...listed,
    make('dt', {}, make('kbd', {}, 'Esc')), make('dd', {}, 'Close, or clear search and selection')),
  make('label', { className: 'tick' }, single, 'Shortcut keys are on'));
}

// ---- what is needed now and then

const THEMES = [['light', 'Light'], ['dark', 'Dark']];
const theme = choice('As the system', THEMES);

/** Shows the packet in colours that somebody chose, here and in every packet after it. */
function paintIn(colours) {
  if (THEMES.some(([known]) => known === colours)) root.dataset.theme = theme.value = colours;
  else delete root.dataset.theme;
}

theme.addEventListener('change', () => {
  paintIn(theme.value);
  store?.setItem('crm-review/theme', theme.value);
});

function more() {
  const instead = act => () => {
    box.close();
    act();
  };
  const box = dialog('More',
    make('div', { className: 'row' }, ...(form.decides ? [button('Import decisions', instead(importBox))] : []), button('Shortcut keys', instead(help))),
    field('Colours', theme),
    ...(form.decides && decided.size ? [
      make('p', { className: 'apart' }, `${counted(decided.size, 'decision')} in this browser.`),
      Object.assign(button('Discard all of them', instead(discard)), { className: 'destroy' }),
    ] : []));
}

function escape(target) {
  if (target === search && search.value) filter({ ...chosen, text: '' });
  else if (target === search) search.blur();
  else if (picked.size) pickAll(false);
}

document.addEventListener('focusin', event => {
  strayed = false;
  current = event.target.closest?.('[data-proposal]') || current;
});
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (event.key === 'Escape') {
    escape(event.target);
    return;
  }
  if (!single.checked || event.target.closest?.('select, textarea, input:not([type=checkbox])')) return;
  const pressed = KEYS.find(([name]) => name === event.key && (form.decides || READING.includes(name)));
  const says = current && decided.get(named(current));
  if (/^[1-9]$/.test(event.key) && says && says.decision !== 'approve') {
    event.preventDefault();
    here((one, card) => choose(one, Number(event.key) - 1, card))();
  } else if (pressed) {
    event.preventDefault();
    pressed[2]();
  }
});

// ---- start

/** So many cards get their controls at once; of more, each when it comes near the screen. */
const EAGER = 300;

/** Takes up the cards while the page is still being read, so that keys answer long before its end. */
function read() {
  const isRead = document.readyState !== 'loading';
  let found = null;
  for (const until = now() + SLICE; now() < until && (found = onward.nextNode());) receive(found);
  if (found || !isRead) setTimeout(read, found ? 0 : SLICE);
  else {
    receive(null);
    check().then(() => inSlices(finish()));
  }
}

const onward = document.createTreeWalker(frame, NodeFilter.SHOW_ELEMENT, part => {
  if (part.matches('[data-proposal]')) return NodeFilter.FILTER_ACCEPT;
  return part.parentElement.matches('[data-proposal]') ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP;
});

/** The card that was found last: it is whole once there is something after it. */
let last = null;

function receive(found) {
  if (last) {
    enrol(last);
    const one = proposalOn(last);
    // What is read last, and what asks for nothing, stands folded.
    if (last.matches('.late .card') || (one.approve === 'waits' && last.matches('.card'))) last.classList.add('shut');
    if (form.cards <= EAGER) equip(last);
    if (decided.has(one.id)) fold(one, isSettled(one));
    if (found?.parentElement !== last.parentElement) nearing.observe(last.parentElement);
  }
  last = found;
}

/** Notes what is near the screen, and gives it its controls. */
const nearing = new IntersectionObserver(seen => {
  for (const { target, isIntersecting } of seen) {
    if (!isIntersecting) near.delete(target);
    else {
      near.add(target);
      for (const card of blocks.get(target)) equip(card);
    }
  }
}, { rootMargin: '300px' });

/** What can only be done once every card is there. */
function* finish() {
  drafted.clear();
  // What a damaged copy says of its cards is nothing to choose by.
  if (!damage) yield* facets();
  queue().append(nothing);
  queue().querySelector('h2 + p')?.after(note);
  total();
  filter({ ...chosen }, { said: false });
  if (!current || location.hash.includes('=')) arrive();
  addEventListener('hashchange', arrive);
  inSlices(readAhead(), whenIdle);
  root.dataset.ready = String(Math.round(now()));
}

function start() {
  single.checked = store?.getItem('crm-review/keys') !== 'off';
  single.addEventListener('change', () => store?.setItem('crm-review/keys', single.checked ? 'on' : 'off'));
  const long = text => make('span', { className: 'long' }, text);
  const menu = make('div', { className: 'row' }, button('More', more));
  if (form.decides) {
    menu.prepend(button('Next', next, long(' undecided')), Object.assign(button('Export', exportBox, long(' decisions')), { className: 'chief' }));
  }
  const bar = make('aside', { className: 'bar', 'aria-label': 'Decisions' },
    make('b', { className: 'short' }, form.short),
    ...(form.decides ? [done, segments, kept] : [make('p', {}, isSaved ? SAVED : 'A copy for reading: no decisions are taken here.')]),
    menu, problem, live);
  document.querySelector('.skip').after(bar);
  document.body.append(foot);
  root.classList.add('js');
  problem.textContent = standing();
  if (form.decides) restore();
  searchable();
  total();
  read();
}

/** Where nothing is proposed there is nothing to decide, and still a copy to be checked. */
async function startEmpty() {
  root.classList.add('js');
  await check();
  root.dataset.ready = String(Math.round(now()));
}

// ---- a copy that was saved after it was opened

/** A browser that saves a page as it stands saves what the script made, too, and its buttons are dead. */
const MADE = '.bar, .foot, .sieve, .out, .ask, .pick, #queue > p.none, .printed, dialog';

/** Takes out of a saved copy what was done in the packet, which is no part of it, and leaves it for reading. */
function startSaved() {
  for (const part of document.querySelectorAll(MADE)) part.remove();
  for (const part of document.querySelectorAll('main [hidden]')) part.hidden = false;
  for (const part of document.querySelectorAll('.blk')) part.removeAttribute('style');
  for (const card of document.querySelectorAll('[data-proposal]')) {
    delete card.dataset.decided;
    card.classList.remove('shut', 'wide');
  }
  for (const count of document.querySelectorAll('.rail .c')) count.textContent = count.textContent.split('/').pop();
  document.querySelector('main').prepend(make('div', { className: 'note', role: 'alert' }, make('p', {}, SAVED)));
  delete root.dataset.ready;
  start();
}

paintIn(store?.getItem('crm-review/theme'));
if (isSaved) document.addEventListener('DOMContentLoaded', startSaved);
else if (form.cards) start();
else document.addEventListener('DOMContentLoaded', startEmpty);
