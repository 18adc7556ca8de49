// What runs mean to people: one that failed is a finding until a run of the same name is done.
#pragma once

#include "platform/notify/notify.h"
#include "storage/control/control.h"

namespace weir::app {

void note_run(notify::Notifier& notifier, const control::Run& ended);

}  // namespace weir::app
