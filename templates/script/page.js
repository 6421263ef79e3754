// What the packet says of itself and of its proposals, and the small tools that the rest is made with.
// Texts become text nodes alone; nothing is asked of any server.

const root = document.documentElement;
const frame = document.querySelector('.frame');
const form = JSON.parse(frame.dataset.form);
/** Whether a browser saved it after it was opened: then the bar, which only the script makes, is there already. */
const isSaved = Boolean(document.querySelector('.bar'));
const SAVED = 'This is a copy that was saved after the packet was opened, so nothing can be decided here. Open the packet itself, as the run wrote it.';
if (isSaved) form.decides = false;
const NOTE = 500, NAME = 200;
/** The last day that can be recorded. */
const LAST_DAY = '2300-12-31';
const WORDS = { approve: 'Approved', reject: 'Rejected', escalate: 'Escalated' };

// ---- tools

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes('-') || key === 'role') element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

function icon(name) {
  const { namespaceURI } = document.querySelector('svg');
  const [svg, use] = ['svg', 'use'].map(tag => document.createElementNS(namespaceURI, tag));
  for (const [key, value] of [['class', 'i'], ['width', 14], ['height', 14], ['aria-hidden', 'true']]) svg.setAttribute(key, value);
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

const hidden = text => make('span', { className: 'vh' }, text);
function button(text, onclick, ...more) {
  const made = make('button', { type: 'button' }, text, ...more);
  made.addEventListener('click', onclick);
  return made;
}
const field = (text, input) => make('label', {}, make('span', {}, text), input);
const dayField = properties => make('input', { type: 'date', min: form.day, max: LAST_DAY, ...properties });
const choice = (first, options) =>
  make('select', {}, make('option', { value: '' }, first),
    ...options.map(([value, text]) => make('option', { value }, text)));
const sentence = text => text.charAt(0).toUpperCase() + text.slice(1);
const present = () => `${new Date().toISOString().slice(0, 19)}Z`;
const grouped = n => n.toLocaleString('en');
const counted = (n, what) => `${grouped(n)} ${what}${n === 1 ? '' : 's'}`;

const live = make('p', { className: 'vh', role: 'status' });
function announce(text) {
  live.textContent = '';
  setTimeout(() => { live.textContent = text; }, 30);
}

/** The browser's own store, or null where it keeps nothing for this page. */
const store = (() => {
  try {
    localStorage.setItem('crm-review', '');
    return localStorage;
  } catch {
    return null;
  }
})();

// ---- long work

/** So long at most, in ms, is anybody kept waiting by work that can be cut. */
const SLICE = 12;
const now = () => performance.now();
/** The works that are not done yet. */
const works = new Set();

const whenIdle = window.requestIdleCallback || (task => setTimeout(task, 50));

/** Does a work, which pauses wherever it may be cut, and lets whoever types or scrolls pass in between. */
function inSlices(work, later = setTimeout) {
  works.add(work);
  const go = () => {
    for (const until = now() + SLICE; works.has(work) && now() < until;) if (work.next().done) works.delete(work);
    if (works.has(work)) later(go);
  };
  go();
  return work;
}

// On paper stands what is asked for, not what is half done.
addEventListener('beforeprint', () => {
  for (const work of works) while (!work.next().done);
  works.clear();
});

// ---- the proposals

/** Every card that was read so far, in the packet's order; where there are many, a card is a line that opens. */
const cards = [];
/** The parts that a browser lays out at one go, with their cards. */
const blocks = new Map();
/** The proposals by id; the one id may stand on several cards. */
const proposals = new Map();
/** Those that ask for a decision. */
const open = [];
/** What was decided, by the proposal's id: {decision, confirmed, reason_code, escalate_to, escalate_until, ticket, note, via, decided_at}. */
const decided = new Map();
/** What the draft says of proposals that were not read yet. */
const drafted = new Map();
/** The id of the proposal on a card; a second card of one id has a number behind it. */
const named = card => card.id.slice(0, 'F-0000000000'.length);

/** Takes up a card that was read. */
function enrol(card) {
  const [facts, approve, rule, severity, state, weeks, groups, same] = card.dataset.proposal.split(' ');
  const id = named(card);
  let proposal = proposals.get(id);
  if (!proposal) {
    const [name, family] = form.rules[rule] || [];
    proposal = {
      id, facts, approve, same: same === '-' ? null : same, cards: [],
      rule, name, family, severity, state, weeks: Number(weeks), groups: form.groups[groups] || {},
    };
    proposals.set(id, proposal);
    if (asks(proposal)) open.push(proposal);
  } else if (!mayApprove({ approve }) || (approve === 'held' && mayApprove(proposal))) {
    // Where two are said under one id, the decision is on both.
    proposal.approve = approve;
  }
  proposal.cards.push(card);
  cards.push(card);
  if (!blocks.has(card.parentElement)) blocks.set(card.parentElement, []);
  blocks.get(card.parentElement).push(card);
  const says = readSaid(proposal, decided.get(id) || drafted.get(id));
  drafted.delete(id);
  if (says) decided.set(id, says);
  else decided.delete(id);
}
const proposalOn = card => proposals.get(named(card));
/** True where it asks for a decision: not in a copy for reading, nor where it is approved and waits. */
const asks = proposal => form.decides && proposal.approve !== 'waits';

// ---- what may be said of one

function mayApprove({ approve }) {
  return approve === 'free' || approve === 'held';
}

const isHeld = proposal => proposal.approve === 'held';

/** Why these may be rejected: to look into them is enough only where nothing can be approved. */
const reasonsFor = some => form.reasons.filter(([code]) => code !== 'looked_into' || !some.some(mayApprove));

/** A browser takes years of five and six digits, which no comparison of texts finds later. */
const isDay = text => /^\d{4}-\d\d-\d\d$/.test(text) && text <= LAST_DAY;

/** What a decision still lacks, in words; empty where it is whole. */
function lacks(proposal, says) {
  const note = (says.note || '').trim();
  if (says.decision === 'approve') {
    if (isHeld(proposal) && !says.confirmed) return 'the evidence is not confirmed';
    if (form.operator && !(says.ticket || '').trim()) return 'it needs a ticket';
  }
  if (says.decision === 'reject') {
    if (!reasonsFor([proposal]).some(([code]) => code === says.reason_code)) return 'it needs a reason';
    if (says.reason_code === 'other' && !note) return 'it needs a note';
  }
  if (says.decision === 'escalate') {
    if (!form.escalate_to.some(([code]) => code === says.escalate_to)) return 'it needs somebody to decide';
    if (says.escalate_to === 'other' && !note) return 'it needs a note';
    if (says.escalate_until && !isDay(says.escalate_until)) return 'it needs a day before 2301';
    if (says.escalate_until && says.escalate_until < form.day) return 'the day is before the packet';
  }
  return '';
}

/** `undecided`, `open` where something is lacking, or what was decided. */
function stateOf(proposal) {
  const says = decided.get(proposal.id);
  if (!says) return 'undecided';
  return lacks(proposal, says) ? 'open' : says.decision;
}
const isWhole = proposal => Object.hasOwn(WORDS, stateOf(proposal));

const isDuplicate = proposal => proposal.rule.startsWith('DUP-');
const reasonWords = (proposal, code) =>
  code === 'correct_as_is' && isDuplicate(proposal)
    ? 'not the same company or person'
    : (form.reasons.find(([one]) => one === code) || ['', ''])[1];
const targetWords = to => (form.escalate_to.find(([one]) => one === to) || ['', ''])[1];

/** What was decided, in a few words. */
function outcome(proposal) {
  const says = decided.get(proposal.id);
  const why = says.decision === 'reject' ? reasonWords(proposal, says.reason_code)
    : says.decision === 'escalate' ? [says.escalate_to && `to ${targetWords(says.escalate_to)}`, says.escalate_until && `until ${says.escalate_until}`].filter(Boolean).join(', ')
    : says.confirmed && isHeld(proposal) ? 'evidence confirmed' : '';
  return [WORDS[says.decision], why].filter(Boolean).join(', ');
}

const TEXTS = ['reason_code', 'escalate_to', 'escalate_until', 'ticket', 'note', 'via', 'decided_at'];

/** What a file or a draft says of a proposal, or null where it cannot be said here. */
function readSaid(proposal, says) {
  if (!proposal || !asks(proposal) || !Object.hasOwn(WORDS, says?.decision)) return null;
  if (says.decision === 'approve' && (!mayApprove(proposal) || (says.via === 'bulk' && isHeld(proposal)))) return null;
  const known = { decision: says.decision };
  if (says.confirmed === true) known.confirmed = true;
  for (const key of TEXTS) if (typeof says[key] === 'string') known[key] = says[key];
  if (Number.isNaN(Date.parse(known.decided_at))) known.decided_at = present();
  return known;
}

// ---- changes, and taking them back

const STEPS = 100;
const steps = [];

/** Says something of proposals, or with null takes back what was said; one step to take back. */
function say(some, says, label) {
  untoast();
  steps.push({ label, before: some.map(one => [one, decided.get(one.id)]) });
  if (steps.length > STEPS) steps.shift();
  put(some.map(one => [one, says && { ...says, decided_at: present() }]));
}

function put(said) {
  for (const [one, says] of said) {
    if (says) decided.set(one.id, says);
    else decided.delete(one.id);
  }
  changed();
}

/** Takes the last step back. */
function back() {
  const step = steps.pop();
  if (!step) {
    announce('Nothing to undo');
    return;
  }
  put(step.before);
  toast(`Undone: ${step.label}`);
  const [[one], ...more] = step.before;
  if (more.length) showAll(step.before.map(([each]) => each));
  else fold(one, false);
  visit(one.cards[0]);
}

function changed() {
  keep();
  total();
}
