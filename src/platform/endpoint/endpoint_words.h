// The words of an endpoint's declaration that stand for values of an enum: one list for reading files, for keeping them
// as JSON and for messages. For endpoint_*.cpp. Pure functions.
#pragma once

#include "platform/endpoint/endpoint_declaration.h"
#include "platform/flow/flow_words.h"

namespace weir::endpoint {

using flow::word_of;
using flow::Words;

const Words<ParameterType>& type_words();
const Words<ParameterUse>& use_words();
const Words<Order>& order_words();
const Words<WhoReads>& read_words();

}  // namespace weir::endpoint
