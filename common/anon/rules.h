/* rules.h - inside the room: rules of the user, and how they are asked. */
#ifndef IMG_ANON_RULES_H
#define IMG_ANON_RULES_H

#include "anon/inside.h"

struct anon_user_rule {
	uint32_t tag, mask; /* bits that count */
	uint8_t action;     /* X Z D U K C */
	uint8_t creator_n;  /* 0: not of a private block */
	char creator[64];
	unsigned line;
};

struct img_anon_rules {
	struct anon_user_rule *rule; /* as they come */
	size_t n;
	const struct anon_user_rule **exact, **pattern; /* by tag, by line */
	size_t exacts, patterns;
	uint8_t digest[IMG_DIGEST_SIZE];
};

/* The rule for an attribute, of a private one with its creator; or NULL. */
const struct anon_user_rule *anon_user_rule(const struct img_anon_rules *r,
					    uint32_t tag, const char *creator,
					    size_t n);
/* Whether a private creator is needed by a rule that keeps something. */
bool anon_user_creator(const struct img_anon_rules *r, uint32_t tag,
		       const char *creator, size_t n);
/* Whether no rule can be for it. */
bool anon_unruled(uint32_t tag);
/* Whether a value can be cleaned: not numbers, bytes and UIDs. */
bool anon_can_clean(const char *vr);
/* Whether more is left than by the other action. */
bool anon_is_weaker(unsigned action, unsigned instead);
/* What the rules weaken, into p. */
void anon_weigh_rules(struct img_anon_profile *p);

#endif
