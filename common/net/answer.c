/* answer.c - what status words mean: PS3.4 B.2.3, PS3.7 Annex C. */
#include "net/net.h"

/* from to and with mask; the first that fits. */
static const struct {
	uint16_t mask, value;
	enum img_answer is;
	const char *text;
} words[] = {
	{ 0xFFFF, 0x0000, IMG_ANSWER_SUCCESS, "success" },
	{ 0xFFFF, 0xFF00, IMG_ANSWER_PENDING, "pending" },
	{ 0xFFFF, 0xFF01, IMG_ANSWER_PENDING, "pending" },
	{ 0xFFFF, 0xB000, IMG_ANSWER_WARNING, "stored, with elements coerced" },
	{ 0xFFFF, 0xB006, IMG_ANSWER_WARNING,
	  "stored, with elements discarded" },
	{ 0xFFFF, 0xB007, IMG_ANSWER_WARNING,
	  "stored, though it does not match its SOP class" },
	{ 0xF000, 0xB000, IMG_ANSWER_WARNING, "stored, with a warning" },
	{ 0xFFFF, 0x0001, IMG_ANSWER_WARNING, "stored, with a warning" },
	{ 0xFFFF, 0x0107, IMG_ANSWER_WARNING,
	  "stored, with a warning on attributes" },
	{ 0xFFFF, 0x0116, IMG_ANSWER_WARNING,
	  "stored, with a value out of range" },
	{ 0xFFFF, 0x0111, IMG_ANSWER_DUPLICATE,
	  "it has an instance of this UID already" },
	{ 0xFF00, 0xA700, IMG_ANSWER_BUSY, "out of resources" },
	{ 0xFF00, 0xA900, IMG_ANSWER_FAILED,
	  "data set does not match its SOP class" },
	{ 0xF000, 0xC000, IMG_ANSWER_FAILED, "cannot understand" },
	{ 0xFFFF, 0x0105, IMG_ANSWER_FAILED, "no such attribute" },
	{ 0xFFFF, 0x0106, IMG_ANSWER_FAILED, "invalid attribute value" },
	{ 0xFFFF, 0x0110, IMG_ANSWER_FAILED, "processing failure" },
	{ 0xFFFF, 0x0112, IMG_ANSWER_FAILED, "no such SOP instance" },
	{ 0xFFFF, 0x0113, IMG_ANSWER_FAILED, "no such event type" },
	{ 0xFFFF, 0x0114, IMG_ANSWER_FAILED, "no such argument" },
	{ 0xFFFF, 0x0115, IMG_ANSWER_FAILED, "invalid argument value" },
	{ 0xFFFF, 0x0117, IMG_ANSWER_FAILED, "invalid SOP instance UID" },
	{ 0xFFFF, 0x0118, IMG_ANSWER_REFUSED, "no such SOP class" },
	{ 0xFFFF, 0x0119, IMG_ANSWER_FAILED,
	  "class and instance do not belong together" },
	{ 0xFFFF, 0x0120, IMG_ANSWER_FAILED, "missing attribute" },
	{ 0xFFFF, 0x0121, IMG_ANSWER_FAILED, "missing attribute value" },
	{ 0xFFFF, 0x0122, IMG_ANSWER_REFUSED, "SOP class not supported" },
	{ 0xFFFF, 0x0123, IMG_ANSWER_FAILED, "no such action" },
	{ 0xFFFF, 0x0124, IMG_ANSWER_REFUSED, "not authorized" },
	{ 0xFFFF, 0x0210, IMG_ANSWER_FAILED, "duplicate invocation" },
	{ 0xFFFF, 0x0211, IMG_ANSWER_FAILED, "unrecognized operation" },
	{ 0xFFFF, 0x0212, IMG_ANSWER_FAILED, "mistyped argument" },
	{ 0xFFFF, 0x0213, IMG_ANSWER_BUSY, "resource limitation" },
	{ 0xFFFF, 0xFE00, IMG_ANSWER_FAILED, "cancelled" },
	{ 0x0000, 0x0000, IMG_ANSWER_FAILED, "a status of no known meaning" }
};

static size_t find(uint16_t status)
{
	size_t i = 0;

	while ((status & words[i].mask) != words[i].value)
		i++;
	return i;
}

enum img_answer img_answer_of(uint16_t status)
{
	return words[find(status)].is;
}

const char *img_answer_text(uint16_t status)
{
	return words[find(status)].text;
}

const char *img_context_text(uint8_t result)
{
	switch (result) {
	case 0:
		return "accepted";
	case 1:
		return "the peer refuses it";
	case 3:
		return "the peer does not take this SOP class";
	case 4:
		return "the peer does not take this transfer syntax";
	default:
		return "the peer refuses it without a reason";
	}
}
