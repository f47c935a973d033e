/*
 * modules.c - attributes of type 1 and 2: are those there that the IOD wants?
 * The rules of an IOD are made from the tables when its first object comes,
 * and kept while objects of the same class follow.
 */
#include <stdlib.h>
#include <string.h>

#include "check/inside.h"

#define NO_NODE UINT16_MAX

void check_modules_start(struct check_modules *m)
{
	m->chosen = false;
	m->n_early = 0;
	m->seen_n = 0;
	m->next = NO_NODE;
	for (size_t i = 0; i < CHECK_DEPTH; i++)
		m->node[i] = NO_NODE;
}

/* ---- the rules of an IOD ------------------------------------------------ */

static struct check_rule *rule_of(struct check_modules *m, uint16_t node,
				  uint32_t tag)
{
	struct check_rule *r;

	for (size_t i = 0; i < m->rules; i++)
		if (m->rule[i].node == node && m->rule[i].tag == tag)
			return &m->rule[i];
	if (m->rules == CHECK_RULES)
		return NULL;
	r = &m->rule[m->rules++];
	r->node = node;
	r->tag = tag;
	r->type = 3;
	r->child = 0;
	return r;
}

static void add_attribute(struct check_modules *m,
			  const struct check_attribute *a)
{
	struct check_rule *r = NULL;
	uint16_t node = 0;

	for (unsigned i = 0; i < a->n; i++) {
		r = rule_of(m, node, a->path[i]);
		if (!r)
			return;
		if (i + 1 == a->n)
			break;
		if (!r->child && m->nodes < CHECK_NODES)
			r->child = (uint16_t)m->nodes++;
		if (!r->child)
			return;
		node = r->child;
	}
	if (r && a->type < r->type)
		r->type = a->type;
}

static int by_place(const void *a, const void *b)
{
	const struct check_rule *x = a, *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return x->tag < y->tag ? -1 : x->tag > y->tag;
}

static void make_rules(struct check_modules *m, const struct check_iod *iod)
{
	size_t at = 0;

	m->rules = 0;
	m->nodes = 1;
	for (size_t i = 0; i < CHECK_MODULES && iod->module[i].count; i++)
		for (unsigned k = 0; k < iod->module[i].count; k++)
			add_attribute(
				m, &check_attributes[iod->module[i].first + k]);
	qsort(m->rule, m->rules, sizeof(m->rule[0]), by_place);
	for (size_t node = 0; node < m->nodes; node++) {
		m->first[node] = at;
		while (at < m->rules && m->rule[at].node == node)
			at++;
	}
	m->first[m->nodes] = at;
	m->iod = iod;
}

static const struct check_iod *iod_of(const char *uid)
{
	for (unsigned i = 0; i < check_iod_count; i++)
		if (strcmp(check_iods[i].uid, uid) == 0)
			return &check_iods[i];
	return NULL;
}

/* ---- the object in hand ------------------------------------------------- */

static void open_node(struct check_modules *m, unsigned depth, uint16_t node)
{
	size_t n = m->first[node + 1] - m->first[node];

	m->node[depth] = NO_NODE;
	if (n > sizeof(m->seen) - m->seen_n)
		return;
	m->node[depth] = node;
	m->seen_at[depth] = m->seen_n;
	memset(m->seen + m->seen_n, 0, n);
	m->seen_n += n;
}

static const struct check_rule *find(const struct check_modules *m,
				     uint16_t node, uint32_t tag)
{
	size_t low = m->first[node], high = m->first[node + 1];

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->rule[mid].tag == tag)
			return &m->rule[mid];
		if (m->rule[mid].tag < tag)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static void mark(struct check_modules *m, unsigned depth, uint32_t tag,
		 bool empty)
{
	const struct check_rule *r = find(m, m->node[depth], tag);
	uint8_t *seen;

	m->next = NO_NODE;
	if (!r)
		return;
	seen = &m->seen[m->seen_at[depth] + (size_t)(r - m->rule) -
			m->first[m->node[depth]]];
	if (*seen < (empty ? 1 : 2))
		*seen = empty ? 1 : 2;
	if (r->child)
		m->next = r->child;
}

void check_modules_class(struct img_check *c, const char *uid)
{
	struct check_modules *m = &c->modules;
	const struct check_iod *iod = iod_of(uid);

	if (m->chosen)
		return;
	m->chosen = true;
	if (!iod)
		return;
	if (iod != m->iod)
		make_rules(m, iod);
	open_node(m, 0, 0);
	for (size_t i = 0; i < m->n_early && m->node[0] != NO_NODE; i++)
		mark(m, 0, m->early[i].tag, m->early[i].empty);
}

void check_modules_element(struct img_check *c, uint32_t tag, unsigned depth,
			   bool empty)
{
	struct check_modules *m = &c->modules;

	m->next = NO_NODE;
	if (!m->chosen && depth == 0 && m->n_early < CHECK_EARLY) {
		m->early[m->n_early].tag = tag;
		m->early[m->n_early++].empty = empty;
	}
	if (depth < CHECK_DEPTH && m->node[depth] != NO_NODE)
		mark(m, depth, tag, empty);
}

/* Begin of an item in the sequence c->path[depth]. */
void check_modules_item(struct img_check *c, unsigned depth)
{
	struct check_modules *m = &c->modules;

	if (depth + 1 >= CHECK_DEPTH)
		return;
	m->node[depth + 1] = NO_NODE;
	if (m->node[depth] == NO_NODE)
		return;
	mark(m, depth, c->path[depth], false);
	if (m->next != NO_NODE)
		open_node(m, depth + 1, m->next);
	m->next = NO_NODE;
}

static void tell_missing(struct img_check *c, unsigned depth)
{
	struct check_modules *m = &c->modules;
	uint16_t node = m->node[depth];
	size_t first, n;

	if (node == NO_NODE)
		return;
	first = m->first[node];
	n = m->first[node + 1] - first;
	for (size_t i = 0; i < n; i++) {
		const struct check_rule *r = &m->rule[first + i];
		uint8_t seen = m->seen[m->seen_at[depth] + i];
		const struct img_dict *d;

		if (r->type == 3 || seen == 2 || (r->type == 2 && seen == 1))
			continue;
		d = img_dict_tag(r->tag);
		check_found(c, false, r->type == 1 ? "type-1" : "type-2",
			    r->tag, "%s is %s", d ? d->keyword : "an attribute",
			    seen ? "empty" : "absent");
	}
	m->seen_n = m->seen_at[depth];
	m->node[depth] = NO_NODE;
}

void check_modules_end_item(struct img_check *c, unsigned depth)
{
	if (depth + 1 < CHECK_DEPTH)
		tell_missing(c, depth + 1);
}

void check_modules_end(struct img_check *c)
{
	const struct check_iod *iod = c->modules.iod;

	if (!c->modules.chosen || c->modules.node[0] == NO_NODE)
		return;
	tell_missing(c, 0);
	if (iod->pixels && !c->pixels.native && !c->pixels.encapsulated &&
	    !c->pixels.url)
		check_found(c, true, "no-pixels", 0x7FE00010,
			    "an image without pixel data");
}
