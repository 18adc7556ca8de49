// What the files of the Data API share. Internal to surface/awsapi.
#pragma once

#include "surface/awsapi/operations.h"

namespace weir::awsapi {

Refusal data_api_refusal(const Error& error);

// ListDatabases, ListSchemas, ListTables, DescribeTable: questions to the system relations.
void add_data_catalog(Operations& operations, const Parts& parts);

}  // namespace weir::awsapi
