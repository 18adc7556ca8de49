// What a ForgetWork knows while it runs. Internal to platform/forget.
#pragma once

#include "platform/flow/work.h"
#include "platform/forget/forget_work.h"
#include "stream/capture/subject.h"

namespace weir::forget {

struct ForgetWork::State {
  flow::WorkContext& context;
  control::Forget forget;
  std::shared_ptr<const capture::Stream> stream;
  capture::Subject subject;
  bool is_repeated = false;  // they were forgotten before: what could not be reached then is tried again
  // Whether anything but files of the lake may hold them.
  bool goes_on() const { return is_repeated || forget.body["records"].as_uint().value_or(0) > 0; }
};

}  // namespace weir::forget
