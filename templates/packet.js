// Deciding in the packet: each proposal gets controls in the place of its printed boxes, and what is
// decided leaves as a decisions file. Texts become text nodes alone; nothing is asked of any server.
(() => {
'use strict';

const form = JSON.parse(document.querySelector('main').dataset.form);
/** What was decided, by the proposal's id: {decision, confirmed, reason_code, escalate_to, escalate_until, ticket, note, decided_at}. */
const decided = new Map();
/** The proposals by id; the one id may stand on several cards. */
const proposals = new Map();
const WORDS = { approve: 'Approved', reject: 'Rejected', escalate: 'Escalated' };
const NOTE = 500, NAME = 200;
const store = open();

/** The browser's own store, or null where it keeps nothing for this page. */
function open() {
  try {
    localStorage.setItem('crm-review', '');
    return localStorage;
  } catch {
    return null;
  }
}

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes('-') || key === 'role') element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

/** The id of the proposal on a card; a second card of one id has a number behind it. */
const named = card => card.id.slice(0, 'F-0000000000'.length);
const hidden = text => make('span', { className: 'vh' }, text);
const button = (text, onclick, of) => {
  const made = make('button', { type: 'button' }, text, ...(of ? [hidden(` ${of}`)] : []));
  made.addEventListener('click', onclick);
  return made;
};
const field = (text, input) => make('label', {}, make('span', {}, text), input);
const choice = (first, options) =>
  make('select', {}, make('option', { value: '' }, first),
    ...options.map(([value, text]) => make('option', { value }, text)));
const sentence = text => text.charAt(0).toUpperCase() + text.slice(1);
const present = () => `${new Date().toISOString().slice(0, 19)}Z`;
const counted = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`;

// ---- what may be said

/** Held by its kind, or because so many owners would change in one packet. */
const isHeld = proposal =>
  proposal.approve === 'held' || (proposal.approve === 'free' && proposal.owner && owners >= form.mass_owner_changes);
const mayApprove = proposal => proposal.approve === 'free' || proposal.approve === 'held';

/** What a decision still lacks, in words; empty where it is whole. */
function lacks(proposal, says) {
  const note = (says.note || '').trim();
  if (says.decision === 'approve') {
    if (isHeld(proposal) && !says.confirmed) return 'the evidence is not checked';
    if (form.operator && !(says.ticket || '').trim()) return 'it needs a ticket';
  }
  if (says.decision === 'reject') {
    if (!form.reasons.some(([code]) => code === says.reason_code)) return 'it needs a reason';
    if (says.reason_code === 'other' && !note) return 'it needs a note';
  }
  if (says.decision === 'escalate') {
    if (!form.escalate_to.includes(says.escalate_to)) return 'it needs somebody to decide';
    if (says.escalate_to === 'other' && !note) return 'it needs a note';
    if (says.escalate_until && says.escalate_until < form.day) return 'the day is before the packet';
  }
  return '';
}

const isWhole = id => decided.has(id) && !lacks(proposals.get(id), decided.get(id));

const TEXTS = ['reason_code', 'escalate_to', 'escalate_until', 'ticket', 'note', 'decided_at'];

/** What a file or a draft says of a proposal, or null where it cannot be said here. */
function read_said(proposal, says) {
  if (!proposal || !Object.hasOwn(WORDS, says?.decision)) return null;
  if (says.decision === 'approve' && !mayApprove(proposal)) return null;
  const known = { decision: says.decision };
  if (says.confirmed === true) known.confirmed = true;
  for (const key of TEXTS) if (typeof says[key] === 'string') known[key] = says[key];
  if (Number.isNaN(Date.parse(known.decided_at))) known.decided_at = present();
  return known;
}

/** Says something of a proposal, or with null takes back what was said. */
function say(id, says) {
  if (says) {
    decided.set(id, { ...says, decided_at: present() });
  } else {
    decided.delete(id);
  }
  proposals.get(id).paint();
  changed();
}

// ---- the controls of one proposal

for (const card of document.querySelectorAll('[data-facts]')) {
  const { facts, approve, owner } = card.dataset;
  const id = named(card);
  let proposal = proposals.get(id);
  if (!proposal) {
    proposal = { id, facts, approve, owner: owner !== undefined, cards: [], desks: [] };
    proposal.paint = () => paint(proposal);
    proposals.set(id, proposal);
  } else if (!mayApprove({ approve }) || (approve === 'held' && mayApprove(proposal))) {
    // Where two are said under one id, the decision is on both.
    proposal.approve = approve;
  }
  proposal.cards.push(card);
  if (card.matches('details')) {
    // Of many proposals the controls are made when one is opened.
    card.addEventListener('toggle', () => equip(proposal, card), { once: true });
  } else {
    card.tabIndex = -1;
  }
}
const owners = [...proposals.values()].filter(one => one.owner && mayApprove(one)).length;

/** Gives a card its controls, once. */
function equip(proposal, card) {
  if (proposal.desks.some(desk => desk.card === card)) return;
  const desk = { card };
  const now = () => decided.get(proposal.id) || {};
  const press = decision => () => {
    const before = now();
    if (before.decision === decision) return;
    const { confirmed, note } = before;
    const says = { decision, note };
    if (decision === 'approve' && (desk.checked?.checked || confirmed)) says.confirmed = true;
    if (decision === 'escalate') says.escalate_until = form.answer_by;
    say(proposal.id, says);
    desk.details.querySelector('select')?.focus();
  };
  desk.buttons = new Map();
  const row = make('div', { className: 'row' });
  const add = (decision, text) => {
    const made = button(text, press(decision), proposal.id);
    desk.buttons.set(decision, made);
    row.append(made);
  };
  desk.root = make('div', { className: 'ask', role: 'group', 'aria-label': `Decide ${proposal.id}` });
  if (mayApprove(proposal) && isHeld(proposal)) {
    desk.checked = make('input', { type: 'checkbox' });
    desk.checked.addEventListener('change', () => {
      // An approval does not outlast the tick it stands on.
      if (!desk.checked.checked && now().decision === 'approve') say(proposal.id, null);
      else proposal.paint();
    });
    const why = proposal.approve === 'held' ? '' : ` (held: ${owners} new owners in this packet)`;
    desk.root.append(make('label', { className: 'tick' }, desk.checked, `Evidence checked${why}`));
  }
  if (mayApprove(proposal)) add('approve', 'Approve');
  add('reject', 'Reject');
  add('escalate', 'Escalate');
  desk.undo = button('Undo', () => take_back(proposal.id), proposal.id);
  row.append(desk.undo);
  desk.details = make('div', { className: 'why' });
  desk.said = make('p', { className: 'said' });
  desk.root.append(row, desk.details, desk.said);
  (card.querySelector('.act') || card).append(desk.root);
  proposal.desks.push(desk);
  proposal.paint();
}

function take_back(id) {
  if (!decided.has(id)) return;
  for (const desk of proposals.get(id).desks) if (desk.checked) desk.checked.checked = false;
  say(id, null);
  announce(`${id} is undecided again`);
}

/** The fields that a decision asks for; what is typed is kept as it is typed. */
function details(id, says) {
  const keep = key => event => {
    const value = event.target.value;
    decided.set(id, { ...decided.get(id), [key]: value, decided_at: present() });
    proposals.get(id).paint({ but: event.target });
    changed();
  };
  const on = (key, input) => {
    input.value = says[key] || '';
    input.addEventListener('input', keep(key));
    return input;
  };
  const fields = [];
  if (says.decision === 'reject') {
    const reasons = form.reasons.map(([code, words]) => [code, sentence(words)]);
    fields.push(field('Reason', on('reason_code', choice('Choose a reason', reasons))));
  }
  if (says.decision === 'escalate') {
    const people = form.escalate_to.map(to => [to, sentence(to.replaceAll('_', ' '))]);
    fields.push(field('To whom', on('escalate_to', choice('Choose who decides', people))));
    fields.push(field('Answer by', on('escalate_until', make('input', { type: 'date', min: form.day }))));
  }
  if (says.decision === 'approve' && form.operator) {
    fields.push(field('Change-control ticket', on('ticket', make('input', { type: 'text', maxLength: NAME }))));
  }
  fields.push(field('Note', on('note', make('textarea', { rows: 2, maxLength: NOTE }))));
  return fields;
}

/** Shows what is decided; the field that is being typed in stays. */
function paint(proposal, { but } = {}) {
  const says = decided.get(proposal.id);
  const what = says ? lacks(proposal, says) : '';
  const state = says ? (what ? 'open' : says.decision) : '';
  for (const card of proposal.cards) {
    if (state) card.dataset.decided = state;
    else delete card.dataset.decided;
  }
  for (const desk of proposal.desks) {
    if (desk.checked && says?.confirmed) desk.checked.checked = true;
    for (const [decision, made] of desk.buttons) {
      made.setAttribute('aria-pressed', String(says?.decision === decision));
      if (decision === 'approve' && desk.checked) made.disabled = !desk.checked.checked;
    }
    desk.undo.hidden = !says;
    if (!but || !desk.details.contains(but)) desk.details.replaceChildren(...(says ? details(proposal.id, says) : []));
    desk.said.textContent = says ? (what ? `Not counted yet: ${what}.` : `${WORDS[says.decision]}.`) : none(proposal);
  }
}

/** What stands where nothing is decided. */
function none(proposal) {
  if (proposal.approve === 'ask') return 'A question: look into it, pass it on, or reject it. Undecided, nothing changes.';
  return 'Undecided: nothing changes.';
}

// ---- the bar

const live = make('p', { className: 'vh', role: 'status' });
const count = make('p', { className: 'count' });
const meter = make('progress', { max: Math.max(1, proposals.size), value: 0, 'aria-label': 'Decided' });
const keeps = make('p', { className: 'dim' });
const problem = make('p', { className: 'wrong', role: 'alert' });
const approver = choice('Choose your name', form.deciders.map(name => [name, name]));
const second = choice('Nobody', form.deciders.map(name => [name, name]));
const picker = make('input', { type: 'file', accept: '.json,application/json', hidden: true });
const help = make('dialog', { 'aria-labelledby': 'keys-h' });
const keys = make('input', { type: 'checkbox', checked: true });
let unsaved = false;

function announce(text) {
  live.textContent = text;
}

function changed() {
  unsaved = true;
  draft();
  total();
}

function total() {
  const whole = [...decided.keys()].filter(isWhole).length;
  const open = decided.size - whole;
  count.textContent = `${whole} of ${proposals.size} decided${open ? `, ${open} not complete` : ''}`;
  meter.value = whole;
}

const key = `crm-review/${form.run}`;

/** Keeps the draft, and says whether it is kept. */
function draft() {
  let kept = store !== null;
  try {
    store?.setItem(key, JSON.stringify({
      packet_digest: form.packet_digest,
      approver: approver.value,
      second: second.value,
      decided: [...decided],
    }));
  } catch {
    kept = false;
  }
  if (kept) unsaved = false;
  keeps.textContent = kept
    ? 'The draft is kept in this browser.'
    : 'This browser keeps no draft: export before you leave the page.';
}

function restore() {
  try {
    const kept = JSON.parse(store?.getItem(key) || 'null');
    if (kept?.packet_digest === form.packet_digest) {
      approver.value = kept.approver;
      second.value = kept.second;
      for (const [id, said] of kept.decided) {
        const says = read_said(proposals.get(id), said);
        if (says) decided.set(id, says);
      }
    }
  } catch {
    // A draft that cannot be read is none.
  }
  draft();
  unsaved = false;
}

/** The decisions file: what is whole, in the packet's order. */
function file() {
  const optional = ['confirmed', 'reason_code', 'escalate_to', 'escalate_until', 'ticket', 'note'];
  const decisions = [...proposals.values()].filter(({ id }) => isWhole(id)).map(({ id, facts }) => {
    const says = decided.get(id);
    const item = { finding: id, evidence_digest: facts, decision: says.decision, via: 'single' };
    for (const key of optional) {
      const value = typeof says[key] === 'string' ? says[key].trim() : says[key];
      if (value) item[key] = value;
    }
    return { ...item, decided_at: says.decided_at };
  });
  const { schema, run, packet_digest, ledger_head } = form;
  const beside = form.operator && second.value ? { second_approver: second.value } : {};
  return { schema, run, packet_digest, ledger_head, approver: approver.value, ...beside, decisions };
}

function save() {
  problem.textContent = '';
  const written = file();
  if (!approver.value) {
    problem.textContent = 'Choose who decides, then export.';
    approver.focus();
    return;
  }
  if (!written.decisions.length) {
    problem.textContent = 'Nothing is decided yet.';
    return;
  }
  const name = `decisions-${form.run.replace(/[^\w.-]/g, '_')}.json`;
  const address = URL.createObjectURL(new Blob([`${JSON.stringify(written, null, 1)}\n`], { type: 'application/json' }));
  make('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  unsaved = false;
  const open = decided.size - written.decisions.length;
  announce('');
  problem.textContent = `${name} holds ${counted(written.decisions.length, 'decision')}${open ? `; ${open} not complete, left out` : ''}. Record it: crm-review decide FOLDER ${name}`;
}

/** Takes a decisions file of this packet up again. */
async function load() {
  problem.textContent = '';
  const [chosen] = picker.files;
  picker.value = '';
  if (!chosen) return;
  let read = null;
  try {
    read = JSON.parse(await chosen.text());
  } catch {
    // Said below.
  }
  problem.textContent = take(read);
}

/** Takes what a file decides, and says in words what came of it. */
function take(read) {
  if (read?.schema !== form.schema || !Array.isArray(read.decisions)) return 'It is not a decisions file that this packet can read.';
  if (read.run !== form.run || read.packet_digest !== form.packet_digest) return 'It decides on another packet. Nothing was taken.';
  let taken = 0;
  for (const item of read.decisions) {
    const proposal = proposals.get(item?.finding);
    const says = proposal?.facts === item?.evidence_digest ? read_said(proposal, item) : null;
    if (!says) continue;
    decided.set(proposal.id, says);
    proposal.paint();
    taken += 1;
  }
  if (form.deciders.includes(read.approver)) approver.value = read.approver;
  if (form.deciders.includes(read.second_approver)) second.value = read.second_approver;
  changed();
  const not = read.decisions.length - taken;
  return `${counted(taken, 'decision')} taken${not ? `; ${not} left out: not in this packet, on other facts, or not to be approved` : ''}.`;
}

// ---- keys

const order = [...document.querySelectorAll('[data-facts]')];
let current = null;

function go(step) {
  const at = order.indexOf(current);
  const next = order[at < 0 ? (step > 0 ? 0 : order.length - 1) : at + step];
  if (!next) return;
  current = next;
  (next.querySelector(':scope > summary') || next).focus();
  next.scrollIntoView({ block: 'nearest' });
}

function act(decision) {
  if (!current?.isConnected) return;
  const proposal = proposals.get(named(current));
  if (current.matches('details')) current.open = true;
  equip(proposal, current);
  if (decision === 'undo') {
    take_back(proposal.id);
    return;
  }
  const desk = proposal.desks.find(one => one.card === current);
  const pressed = desk.buttons.get(decision);
  if (!pressed) announce(`${proposal.id} cannot be approved`);
  else if (pressed.disabled) desk.checked.focus();
  else pressed.click();
}

const KEYS = {
  j: ['Next proposal', () => go(1)],
  k: ['Proposal before', () => go(-1)],
  a: ['Approve; of a held one, to its tick', () => act('approve')],
  r: ['Reject', () => act('reject')],
  e: ['Escalate', () => act('escalate')],
  u: ['Undo', () => act('undo')],
  '?': ['This list', () => help.showModal()],
};

document.addEventListener('focusin', event => {
  current = event.target.closest?.('[data-facts]') || current;
});
document.addEventListener('keydown', event => {
  const typing = event.target.closest?.('select, textarea, input:not([type=checkbox])');
  if (!keys.checked || typing || help.open || event.ctrlKey || event.metaKey || event.altKey) return;
  const pressed = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : null;
  if (!pressed) return;
  event.preventDefault();
  pressed[1]();
});

// ---- start

function start() {
  for (const proposal of proposals.values()) {
    for (const card of proposal.cards) if (!card.matches('details')) equip(proposal, card);
  }
  keys.checked = store?.getItem('crm-review/keys') !== 'off';
  keys.addEventListener('change', () => store?.setItem('crm-review/keys', keys.checked ? 'on' : 'off'));
  const listed = Object.entries(KEYS).flatMap(([name, [what]]) => [make('dt', {}, make('kbd', {}, name)), make('dd', {}, what)]);
  help.append(
    make('h2', { id: 'keys-h' }, 'Keys'), make('dl', { className: 'kv' }, ...listed),
    make('label', { className: 'tick' }, keys, 'Single keys act'),
    button('Close', () => help.close()),
  );
  picker.addEventListener('change', load);
  approver.addEventListener('change', changed);
  second.addEventListener('change', changed);
  const bar = make('aside', { className: 'bar', 'aria-label': 'Decisions' },
    make('div', {}, count, meter, keeps),
    make('div', { className: 'row' },
      field('Who decides', approver), ...(form.operator ? [field('Second approver', second)] : []),
      button('Keys', () => help.showModal()), button('Import', () => picker.click()), button('Export', save)),
    picker, problem, live);
  document.body.append(bar, help);
  restore();
  for (const proposal of proposals.values()) proposal.paint();
  total();
  addEventListener('beforeunload', event => { if (unsaved) event.preventDefault(); });
  document.documentElement.classList.add('js');
}

if (proposals.size) start();
})();
