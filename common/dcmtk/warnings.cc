/* warnings.cc - listens to DCMTK's log for damage, and shows nothing of it. */
#include "dcmtk/warnings.hh"

#include "dcmtk/config/osconfig.h"
#include "dcmtk/oflog/appender.h"
#include "dcmtk/oflog/oflog.h"
#include "dcmtk/oflog/spi/logevent.h"

#include <cstring>

static bool damage;

namespace
{
class listener : public dcmtk::log4cplus::Appender
{
      public:
	~listener()
	{
		destructorImpl();
	}
	void close()
	{
	}

      protected:
	void append(const dcmtk::log4cplus::spi::InternalLoggingEvent &event)
	{
		const char *text = event.getMessage().c_str();

		/* libjpeg's words (jerror.h), and those of the RLE decoder. */
		if ((std::strstr(text, "Corrupt JPEG data") &&
		     !std::strstr(text, "extraneous")) ||
		    std::strstr(text, "Inconsistent progression") ||
		    std::strstr(text, "insufficient data"))
			damage = true;
	}
};
} // namespace

void img_dcmtk_watch()
{
	static bool listening;

	damage = false;
	if (listening)
		return;
	auto root = dcmtk::log4cplus::Logger::getRoot();

	root.removeAllAppenders();
	root.addAppender(dcmtk::log4cplus::SharedAppenderPtr(new listener));
	root.setLogLevel(dcmtk::log4cplus::WARN_LOG_LEVEL);
	listening = true;
}

bool img_dcmtk_saw_damage()
{
	return damage;
}
