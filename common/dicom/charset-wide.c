/*
 * charset-wide.c - the sets without code extensions: UTF-8, GB18030, and the
 * signs that a value is GBK although it is declared otherwise.
 */
#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <pthread.h>
#include <string.h>
#include <unistr.h>

#include "charset_private.h"

/* The bytes of a broken sequence, which are replaced as one. */
static size_t broken_len(const uint8_t *p, size_t n)
{
	size_t want = p[0] < 0xC0 || p[0] >= 0xF8 ? 1
		      : p[0] < 0xE0               ? 2
		      : p[0] < 0xF0               ? 3
						  : 4;
	size_t len = 1;

	while (len < want && len < n && (p[len] & 0xC0) == 0x80)
		len++;
	return len;
}

int img_decode_utf8(struct img_text *t, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		ssize_t run = img_text_plain(t, p + i, n - i);
		ucs4_t cp;
		int len;

		if (run < 0)
			return -1;
		i += (size_t)run;
		if (i == n)
			break;
		len = u8_mbtoucr(&cp, p + i, n - i);
		if ((len > 0 ? img_text_put(t, cp) : img_text_bad(t)) < 0)
			return -1;
		i += len > 0 ? (size_t)len : broken_len(p + i, n - i);
	}
	return 0;
}

/* ---- GB18030, of which GBK is a part ---------------------------------- */

static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static bool key_ok;

static void close_cd(void *cd)
{
	iconv_close((iconv_t)cd);
}

static void make_key(void)
{
	key_ok = pthread_key_create(&key, close_cd) == 0;
}

/* This thread's descriptor; NULL if the system has none. */
static iconv_t gb18030(void)
{
	iconv_t cd;

	pthread_once(&key_once, make_key);
	if (!key_ok)
		return NULL;
	cd = pthread_getspecific(key);
	if (cd)
		return cd;
	cd = iconv_open("UTF-8", "GB18030");
	if (cd == (iconv_t)-1)
		return NULL;
	if (pthread_setspecific(key, cd) != 0) {
		iconv_close(cd);
		return NULL;
	}
	return cd;
}

int img_decode_gb18030(struct img_text *t, const uint8_t *p, size_t n)
{
	iconv_t cd = gb18030();
	/* iconv does not write to its input, in spite of its type. */
	char *in = (char *)(uintptr_t)p;
	char piece[1024];

	if (cd)
		iconv(cd, NULL, NULL, NULL, NULL);
	while (n) {
		char *out = piece;
		size_t room = sizeof piece, rc = (size_t)-1;
		int why = EILSEQ;

		if (cd) {
			rc = iconv(cd, &in, &n, &out, &room);
			why = errno;
		}
		if (img_decode_utf8(t, (uint8_t *)piece, sizeof piece - room) <
		    0)
			return -1;
		if (rc != (size_t)-1 || why == E2BIG)
			continue;
		if (img_text_bad(t) < 0)
			return -1;
		in++;
		n--;
	}
	return 0;
}

/* ---- GBK under a wrong name ------------------------------------------- */

/* The most frequent family names; three bytes each. */
static const char surnames[] =
	"王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾"
	"肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏"
	"韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴"
	"莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿"
	"关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉";

/* And letters of given names. */
static const char given[] =
	"伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华文玉建国春梅志红"
	"小东海龙佳欣宇浩子轩梓涵雨萱思琪博兰云荣辉鹏飞波斌峰林凤珍琴萍燕"
	"玲莉雪晶倩婷莹慧颖琳璐洁霖嘉俊晓天一泽睿诗怡然可心依晨宁安永德福"
	"贵生长成庆祥忠义仁和光亮振兴家正新清元宝金银山水木火土大中利民胜"
	"利学智良善贤美香菊莲花月爱彩连淑惠翠环瑞素锦芬秋冬夏";

/* Words of imaging and of hospitals. */
static const char frequent[] =
	"头颅脑胸腹部盆腔颈腰胃椎骨关节肺肝胆脾肾心脏血管正侧位斜平扫增强"
	"检查成像超声放射医院科室人民中大小学附属市省县区第一二三四五六左右"
	"上下肢手足膝髋肩肘腕踝双全立卧床旁片像图层薄窗软组织序列重建动脉静"
	"期延迟加权横断矢状冠面常规普通门诊急住女男岁月年日术后前复乳腺甲口"
	"腔鼻咽喉眼耳牙齿尿道前列子宫卵巢肠食管气支冠造影介入化验诊断报告";

static bool among(const char *list, uint32_t cp)
{
	for (; *list; list += 3) {
		const uint8_t *s = (const uint8_t *)list;

		if (cp == ((s[0] & 0x0Fu) << 12 | (s[1] & 0x3Fu) << 6 |
			   (s[2] & 0x3Fu)))
			return true;
	}
	return false;
}

struct evidence {
	unsigned hanzi, known, named, level1;
	bool surname;    /* the first is one */
	bool not_hangul; /* EUC-KR's are 0xB0..0xC8 */
	bool not_kana;   /* JIS X 0201's are below 0xE0 */
	bool not_letter; /* no letter of ISO 8859-1, or of Cyrillic */
	bool up, down;   /* changes of case inside a word */
};

static bool is_upper(uint8_t b)
{
	return b >= 0xC0 && b < 0xDF && b != 0xD7;
}

static bool is_lower(uint8_t b)
{
	return b >= 0xDF && b != 0xF7;
}

static void see_byte(struct evidence *e, uint8_t b, uint8_t next)
{
	if (b >= 0xE0)
		e->not_kana = true;
	if (b < 0xC0 && !strchr("\xA3\xA8\xAA\xB3\xB8\xBA", b))
		e->not_letter = true;
	e->up |= is_lower(b) && is_upper(next);
	e->down |= is_upper(b) && is_lower(next);
}

/* One run of high bytes; false if it cannot be GBK for certain. */
static bool see_run(struct evidence *e, const uint8_t *p, size_t n)
{
	if (n % 2)
		return false;
	for (size_t i = 0; i < n; i += 2) {
		uint32_t cp = img_set_pair(IMG_SET_GB2312, p[i] & 0x7F,
					   p[i + 1] & 0x7F);

		if (p[i] <= 0xA0 || p[i + 1] <= 0xA0 || !cp)
			return false;
		see_byte(e, p[i], p[i + 1]);
		see_byte(e, p[i + 1], i + 2 < n ? p[i + 2] : 0);
		if (p[i] == 0xA1 || p[i] == 0xA3) /* wide punctuation */
			continue;
		if (p[i] < 0xB0)
			return false;
		if (e->hanzi++ == 0)
			e->surname = among(surnames, cp);
		else
			e->named += among(given, cp);
		e->known += among(frequent, cp);
		e->level1 += p[i] < 0xD8;
		e->not_hangul |= p[i] > 0xC8;
	}
	return true;
}

/*
 * Latin names have their accented letters among ASCII ones, Chinese has none
 * there: a run of high bytes that touches a letter is never GBK.  What is
 * left must read as Chinese, by a family name or by common words, and must
 * not read as anything else that is written with high bytes only: Korean,
 * katakana, Cyrillic, Greek.
 */
bool img_gbk_certain(const uint8_t *p, size_t n, bool person)
{
	struct evidence e = { 0 };

	for (size_t i = 0; i < n;) {
		size_t end = i;

		while (end < n && p[end] >= 0x80)
			end++;
		if (end == i) {
			i++;
			continue;
		}
		if ((i && isalpha(p[i - 1])) || (end < n && isalpha(p[end])))
			return false;
		if (!see_run(&e, p + i, end - i))
			return false;
		i = end;
	}
	if (e.hanzi < 2 || e.level1 * 2 < e.hanzi)
		return false;
	if (person && e.surname && e.named == e.hanzi - 1)
		return e.not_letter || (e.up && e.down);
	if (!e.not_hangul || !e.not_kana || !(e.not_letter || (e.up && e.down)))
		return false;
	return person ? e.surname : e.known >= 2 && e.known * 2 >= e.hanzi;
}
