// The draft in this browser, the decisions file that is exported, and an earlier one taken up again.

const key = `crm-review/${form.run}/${form.packet_digest.slice(-12)}`;
const problem = make('p', { className: 'wrong', role: 'alert' });
const kept = make('span', { className: 'kept' });
let unsaved = false;
/** Why this copy may not be exported; empty where it may. */
let damage = 'This copy is still being read. Export in a moment.';
/** Why the draft here may not be the latest; empty where it is. */
let stale = '';
/** Why nothing that is decided here can be recorded; empty where it can. */
const unnamed = form.decides && !form.deciders.length
  ? 'Nobody is named who may decide, so what is decided here cannot be exported: name the approver in rules/approvals.toml and run again.'
  : '';
/** What the bar says where nothing else is wrong. */
const standing = () => [unnamed, stale].filter(Boolean).join(' ');
/** Who decides, and who beside them, once they said so. */
let approver = '', second = '';

// ---- the draft

let waiting = 0;
/** Keeps the draft a moment after the last change. */
function keep() {
  unsaved = true;
  clearTimeout(waiting);
  waiting = setTimeout(writeDraft, 250);
}

const time = at => `${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`;

function writeDraft() {
  clearTimeout(waiting);
  try {
    if (!store) throw new Error('no store');
    store.setItem(key, JSON.stringify({ packet_digest: form.packet_digest, approver, second, decided: [...drafted, ...decided] }));
    unsaved = false;
    kept.textContent = `Draft saved here ${time(new Date())}`;
  } catch {
    refused();
  }
}

function refused() {
  kept.classList.add('refused');
  kept.textContent = 'This viewer keeps no draft: export before you leave';
}

/** Reads the draft; what it says of a proposal holds once its card is read. */
function restore() {
  try {
    const draft = JSON.parse(store?.getItem(key) || 'null');
    if (draft?.packet_digest === form.packet_digest) {
      [approver, second] = [draft.approver, draft.second].map(name => form.deciders.includes(name) ? name : '');
      for (const [id, says] of draft.decided) drafted.set(id, says);
      if (drafted.size) kept.textContent = 'Draft restored';
    }
  } catch {
    // A draft that cannot be read is none.
  }
  if (!store) refused();
}

addEventListener('storage', event => {
  if (event.key !== key || event.newValue === null) return;
  stale = 'Another tab changed this draft. Reload to take it over; what is decided here next replaces it.';
  problem.textContent = standing();
});
addEventListener('beforeunload', event => {
  if (unsaved && store) writeDraft();
  if (unsaved) event.preventDefault();
});

function discard() {
  if (!decided.size) return;
  const some = [...decided.keys()].map(id => proposals.get(id));
  say(some, null, 'discarded the draft');
  showAll(some);
  toast('Draft discarded', button('Undo', back));
}

// ---- the file

const COLUMNS = ['run', 'packet_digest', 'ledger_head', 'finding', 'evidence_digest', 'decision', 'confirmed', 'via', 'reason_code', 'escalate_to', 'escalate_until', 'ticket', 'note', 'decided_at', 'approver', 'second_approver'];
const OPTIONAL = ['confirmed', 'reason_code', 'escalate_to', 'escalate_until', 'ticket', 'note'];

/** The decisions file: what is whole, in the packet's order. */
function file() {
  const whole = open.filter(isWhole);
  const of = decision => whole.filter(one => decided.get(one.id).decision === decision).length;
  const undecided = open.filter(one => !isWhole(one)).map(one => one.id);
  const counts = { approve: of('approve'), reject: of('reject'), escalate: of('escalate'), undecided: undecided.length };
  const decisions = whole.map(({ id, facts }) => {
    const says = decided.get(id);
    const item = { finding: id, evidence_digest: facts, decision: says.decision, via: says.via || 'single' };
    for (const key of OPTIONAL) {
      const value = typeof says[key] === 'string' ? says[key].trim() : says[key];
      if (value) item[key] = value;
    }
    return { ...item, decided_at: says.decided_at };
  });
  const { schema, run, packet_digest, ledger_head } = form;
  const beside = form.operator && second ? { second_approver: second } : {};
  return { schema, run, packet_digest, ledger_head, approver, ...beside, counts, decisions, undecided };
}

const asJson = written => `${JSON.stringify(written, null, 1)}\n`;

/** The same, one decision a line, as a spreadsheet opens it: no cell is a formula. */
function asCsv({ decisions, ...same }) {
  const cell = value => {
    const text = value === undefined ? '' : String(value);
    const guarded = /^'*[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
  };
  const rows = decisions.map(item => COLUMNS.map(name => cell({ ...same, ...item }[name])).join(','));
  return `\ufeff${[COLUMNS.join(','), ...rows].join('\r\n')}\r\n`;
}

function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  make('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function exportBox() {
  problem.textContent = damage || standing();
  if (damage || unnamed) return;
  const { counts, decisions } = file();
  const notWhole = decided.size - decisions.length;
  const wrong = make('p', { className: 'wrong', role: 'alert' });
  const who = choice('Choose your name', form.deciders.map(name => [name, name]));
  const beside = choice('Nobody', form.deciders.map(name => [name, name]));
  [who.value, beside.value] = [approver, second];
  who.addEventListener('change', () => { approver = who.value; keep(); });
  beside.addEventListener('change', () => { second = beside.value; keep(); });
  const states = make('input', { type: 'checkbox' });
  const text = make('textarea', { rows: 6, readOnly: true, hidden: true, 'aria-label': 'The decisions file as text' });
  const name = ending => `decisions-${form.run.replace(/[^\w.-]/g, '_')}${form.slice ? `-${form.slice}` : ''}.${ending}`;
  const write = (ending, give) => () => {
    wrong.textContent = '';
    if (!decisions.length) wrong.textContent = 'Nothing is decided yet.';
    else if (!approver) { wrong.textContent = 'Choose who decides, then export.'; who.focus(); }
    else if (!states.checked) { wrong.textContent = 'Tick the statement, then export.'; states.focus(); }
    else {
      give(file());
      unsaved = false;
      wrong.textContent = `${counted(decisions.length, 'decision')} in ${name(ending)}. Record it: crm-review decide FOLDER ${name(ending)}`;
    }
  };
  dialog('Export decisions',
    make('p', {}, `${grouped(counts.approve)} approved, ${grouped(counts.reject)} rejected, ${grouped(counts.escalate)} escalated; ${grouped(counts.undecided)} undecided stay as they are.`),
    ...(stale ? [make('p', { className: 'gap' }, stale)] : []),
    ...(notWhole ? [make('p', { className: 'gap' }, `${counted(notWhole, 'decision')} not complete and left out.`)] : []),
    field('Who decides', who), ...(form.operator ? [field('Second approver', beside)] : []),
    make('label', { className: 'tick' }, states, make('span', {}, 'I read the evidence of what I decide here. I ask for the approved changes through the normal CRM change path; nothing else changes.')),
    make('div', { className: 'row' },
      button('JSON', write('json', written => download(name('json'), 'application/json', asJson(written)))),
      button('CSV', write('csv', written => download(name('csv'), 'text/csv', asCsv(written)))),
      button('Text to copy', write('json', written => {
        text.hidden = false;
        text.value = asJson(written);
        text.focus();
        text.select();
      }))),
    text, wrong,
    make('p', { className: 'dim' }, 'Where downloads are blocked, copy the text into a file of that name.'));
}

// ---- taking one up again

function importBox() {
  const wrong = make('p', { className: 'wrong', role: 'alert' });
  const picker = make('input', { type: 'file', accept: '.json,application/json' });
  const pasted = make('textarea', { rows: 5 });
  const load = async text => {
    let read = null;
    try {
      read = JSON.parse(await text);
    } catch {
      // Said below.
    }
    wrong.textContent = take(read);
  };
  picker.addEventListener('change', () => { if (picker.files.length) load(picker.files[0].text()); });
  dialog('Import decisions',
    make('p', {}, 'A decisions file of this packet, as it was exported as JSON. What is newer wins.'),
    field('File', picker), field('Or its text', pasted),
    make('div', { className: 'row' }, button('Import', () => load(pasted.value))), wrong);
}

/** Takes what a file decides, and says in words what came of it. */
function take(read) {
  if (read?.schema !== form.schema || !Array.isArray(read.decisions)) return 'It is not a decisions file that this packet can read. Nothing was taken.';
  if (read.run !== form.run || read.packet_digest !== form.packet_digest) return 'It decides on another packet. Nothing was taken.';
  const taken = [];
  let older = 0;
  for (const item of read.decisions) {
    const proposal = proposals.get(item?.finding);
    const says = proposal?.facts === item?.evidence_digest ? readSaid(proposal, item) : null;
    if (!says) continue;
    if (decided.get(proposal.id)?.decided_at > says.decided_at) older += 1;
    else taken.push([proposal, says]);
  }
  if (taken.length) steps.push({ label: 'imported', before: taken.map(([one]) => [one, decided.get(one.id)]) });
  put(taken);
  showAll(taken.map(([one]) => one));
  if (form.deciders.includes(read.approver)) approver = read.approver;
  if (form.deciders.includes(read.second_approver)) second = read.second_approver;
  const not = read.decisions.length - taken.length - older;
  return `${counted(taken.length, 'decision')} taken${older ? `; ${grouped(older)} older than what is decided here` : ''}${not ? `; ${grouped(not)} left out: not in this packet, on other facts, or not to be decided so` : ''}.`;
}

// ---- is this copy whole?

/** Holds the cards against the digest that the packet names: it finds damage, not forgery. */
async function check() {
  // A copy that was cut off has no place to say it.
  const says = document.querySelector('#self-check') || make('dd');
  if (isSaved) {
    says.textContent = 'Not made: this is a saved copy';
    damage = '';
    return;
  }
  if (!globalThis.crypto?.subtle) {
    says.textContent = 'Not possible in this viewer';
    damage = '';
    return;
  }
  const lines = cards.map(card => `${named(card)} ${card.dataset.proposal}\n`).join('');
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(lines)));
  const hex = [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
  if (hex === form.index) {
    const whole = cards.length ? `the ${counted(cards.length, 'proposal')} in it are those it was made with` : 'it was made with no proposals, and has none';
    says.textContent = `Passed as this copy was opened: ${whole}`;
    damage = '';
    return;
  }
  says.textContent = 'Failed: this copy is damaged';
  damage = 'This copy is damaged: its proposals are not the ones it was made with, so nothing can be exported. Ask for a fresh copy.';
  document.querySelector('main').prepend(make('div', { className: 'note', role: 'alert' }, make('p', {}, damage)));
}
