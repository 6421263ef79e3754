// Filters: which cards are shown. What is chosen stands in the address behind #, so that a filtered view
// is a link and survives a reload.

const AGES = [['1', 'first week', weeks => weeks === 1], ['2', '2 or 3 weeks', weeks => weeks > 1 && weeks < 4], ['4', '4 weeks and more', weeks => weeks > 3]];
const STATES = { undecided: 'undecided', open: 'not complete', approve: 'approved', reject: 'rejected', escalate: 'escalated' };
const APPROVAL = { free: 'simple', held: 'held', ask: 'a question', never: 'cannot be approved', waits: 'approved, waits' };
const NONE = '\u2014';
/** Those that always stand open; the others are one step away. */
const MAIN = ['decision', 'severity', 'family', 'approval', 'owner', 'team'];

/** The facets of the groups that records are in. */
const by = (...keys) => form.by.filter(([key]) => keys.includes(key))
  .map(([key, title]) => [key, sentence(title), one => one.groups[key] || NONE, text => text === NONE ? 'Not known' : text]);

/** What can be filtered by, most used first: key, words, what a proposal is, and how that reads. */
const FACETS = [
  ['decision', 'Decision', stateOf, state => STATES[state]],
  ['severity', 'Severity', one => one.severity],
  ['family', 'Family', one => one.family, key => form.families[key]],
  ['approval', 'Approval', one => one.approve, kind => APPROVAL[kind]],
  ...by('owner', 'team'),
  ['rule', 'Rule', one => one.rule, (rule, one) => `${rule} ${one.name}`],
  ['state', 'Against last week', one => one.state],
  ['age', 'Age', one => AGES.find(([, , holds]) => holds(one.weeks))[0], age => AGES.find(([key]) => key === age)[1]],
  ...form.by.filter(([key]) => !MAIN.includes(key)).flatMap(([key]) => by(key)),
];

/** Where there is no room beside the page, its contents and the filters stand above it, shut. */
const narrow = matchMedia('(max-width: 62rem)');
/** What is chosen, by facet, and the words searched for. */
const chosen = {};
/** The cards that are shown, in order. */
let shown = cards;
/** The work that shows them. */
let sieving = null;
const queue = () => document.querySelector('#queue');
const selects = new Map();
const search = make('input', { type: 'search', name: 'text', autocomplete: 'off', spellcheck: false });
const tally = make('p', { className: 'tally' });
const reset = button('Clear filters', () => {
  filter({});
  // The button is gone with the filters: whoever pressed it stays beside it.
  search.focus();
});
const nothing = make('p', { className: 'none', hidden: true }, 'No proposal fits these filters. ', button('Show all', () => {
  filter({});
  const head = queue().querySelector('h2');
  head.tabIndex = -1;
  head.focus();
}));
const note = make('p', { className: 'printed' });

/** What of a card can be searched, in small letters; read when first needed. */
const texts = new Map();
function textOf(card) {
  let text = texts.get(card);
  if (text === undefined) {
    const { groups, name } = proposalOn(card);
    // What the script or the paper adds to a card is no part of it.
    const said = [...card.querySelectorAll(isLine(card) ? 'h5, .tell' : '.hd, .evi, .do, .chg')]
      .flatMap(part => [...part.childNodes].filter(node => !node.classList?.contains('out')));
    text = [...said.map(node => node.textContent), ...Object.values(groups), name].join(' ').toLowerCase();
    texts.set(card, text);
  }
  return text;
}

/** Tells of a card whether it fits what is chosen. */
function fitting() {
  const facets = FACETS.filter(([key]) => chosen[key]);
  const words = (chosen.text || '').toLowerCase().split(/\s+/).filter(Boolean);
  return card => {
    const proposal = proposalOn(card);
    return facets.every(([key, , is]) => String(is(proposal)) === chosen[key]) && words.every(word => textOf(card).includes(word));
  };
}

const isFiltered = () => Object.values(chosen).some(Boolean);

/** Chooses what is shown, and shows it; said, where a person chose it. */
function filter(wanted, { said = true } = {}) {
  for (const key of Object.keys(chosen)) delete chosen[key];
  Object.assign(chosen, wanted);
  for (const [key, select] of selects) {
    select.value = chosen[key] || '';
    if (chosen[key] && select.closest('.more')) select.closest('.more').open = true;
  }
  if (search.value.trim() !== (chosen.text || '')) search.value = chosen.text || '';
  reset.hidden = !isFiltered();
  works.delete(sieving);
  sieving = sieve(said);
  queue().setAttribute('aria-busy', 'true');
  inSlices(sieving);
}

/** Finds what fits, then shows it from the top. */
function* sieve(said) {
  const fits = isFiltered() ? fitting() : () => true;
  const found = [];
  const parts = [];
  for (const [part, inside] of blocks) {
    const fit = new Set(inside.filter(fits));
    found.push(...fit);
    parts.push([part, inside, fit]);
    yield;
  }
  shown = isFiltered() ? found : cards;
  for (const [part, inside, fit] of parts) {
    part.hidden = !fit.size;
    // What is not laid out takes the room of what would be shown, not that of all that was once.
    part.style.containIntrinsicSize = fit.size < inside.length ? `none calc(${fit.size} * var(--each))` : '';
  }
  for (const part of document.querySelectorAll('.fam, .group')) part.hidden = isFiltered() && !part.querySelector('.blk:not([hidden])');
  tell(said);
  for (const [, inside, fit] of parts) {
    if (!fit.size) continue;
    for (const card of inside) if (card.hidden === fit.has(card)) card.hidden = !fit.has(card);
    yield;
  }
  queue().removeAttribute('aria-busy');
}

/** Says how many are shown. */
function tell(said) {
  nothing.hidden = shown.length > 0 || !cards.length;
  const all = counted(cards.length, 'proposal');
  // What is alike is counted among what is shown.
  bulkBar();
  tally.textContent = isFiltered() ? `${grouped(shown.length)} of ${all}` : all;
  const words = Object.entries(chosen).filter(([, value]) => value)
    .map(([key, value]) => key === 'text' ? `\u201c${value}\u201d` : selects.get(key)?.selectedOptions[0]?.dataset.words || value);
  note.textContent = isFiltered() ? `Printed with a filter: ${words.join(', ')}. ${grouped(shown.length)} of ${all} are here.` : '';
  if (!said) return;
  address();
  announce(tally.textContent);
  // What fits begins at the head of the queue. Where the filters are above it, whoever types stays there.
  if (isFiltered() && !narrow.matches) queue().scrollIntoView();
}

/** Writes the filters into the address. */
function address() {
  const words = new URLSearchParams(Object.entries(chosen).filter(([, value]) => value)).toString();
  const own = location.href.replace(/#.*$/, '');
  try {
    history.replaceState(null, '', words ? `#${words}` : own);
  } catch {
    // A viewer that keeps no address shows the filters all the same.
  }
}

/** Goes where the address behind # points: to a filtered view, or to something in the page. */
function arrive(event) {
  const hash = location.hash.slice(1);
  if (hash.includes('=')) {
    const read = new URLSearchParams(hash);
    const known = ['text', ...FACETS.map(([key]) => key)];
    filter(Object.fromEntries([...read].filter(([key, value]) => known.includes(key) && value)), { said: false });
    // Whoever reads on in a page that is loaded again stays there.
    if (event || (!current && !scrollY)) queue().scrollIntoView();
    return;
  }
  const target = hash && document.getElementById(hash);
  if (!target) return;
  if (target.closest('[hidden]')) {
    filter({}, { said: false });
    uncover(target);
  } else if (isFiltered()) {
    address();
  }
  if (target.matches('[data-proposal]')) {
    fold(proposalOn(target), false);
    visit(target);
  } else {
    target.scrollIntoView();
  }
}

/** Shows something before its turn comes. */
function uncover(target) {
  for (let part = target; part; part = part.parentElement) part.hidden = false;
}

// ---- the form, in the rail

const controls = make('form', { className: 'filters' }, field('Search', search), make('div', { className: 'row' }, tally, reset));
const sieveBox = make('details', { className: 'sieve' }, make('summary', {}, 'Filters'), controls);

/** Puts the search beside the page. */
function searchable() {
  let waiting = 0;
  search.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => filter({ ...chosen, text: search.value.trim() }), 120);
  });
  controls.addEventListener('submit', event => event.preventDefault());
  const contents = document.querySelector('.toc');
  const fit = () => { sieveBox.open = contents.open = !narrow.matches; };
  narrow.addEventListener('change', fit);
  fit();
  document.querySelector('.rail').append(sieveBox);
}

/** Adds the facets with what they count; one that sets nothing apart is left out. */
function* facets() {
  const more = make('details', { className: 'more' }, make('summary', {}, 'More filters'));
  for (const [key, words, is, reads = text => text] of FACETS) {
    yield;
    const counts = new Map();
    if (key === 'decision') for (const state of Object.keys(STATES)) counts.set(state, [0, null]);
    else for (const one of proposals.values()) counts.set(String(is(one)), [(counts.get(String(is(one)))?.[0] || 0) + 1, one]);
    if (counts.size < 2 || (key === 'decision' && !form.decides)) continue;
    const sorted = ['decision', 'severity', 'age', 'family'].includes(key) ? [...counts] : [...counts].sort(([a], [b]) => (a === NONE) - (b === NONE) || a.localeCompare(b, 'en', { numeric: true }));
    const select = make('select', { name: key }, make('option', { value: '' }, 'Any'), ...sorted.map(([value, [n, one]]) => {
      const text = sentence(reads(value, one));
      return make('option', { value, 'data-words': text }, n ? `${text} (${grouped(n)})` : text);
    }));
    select.addEventListener('change', () => filter({ ...chosen, [key]: select.value }));
    selects.set(key, select);
    (MAIN.includes(key) ? controls : more).append(field(words, select));
  }
  if (more.children.length > 1) controls.append(more);
}

/** Reads the texts before they are searched, while nothing else is to do. */
function* readAhead() {
  for (const card of cards) {
    textOf(card);
    yield;
  }
}
