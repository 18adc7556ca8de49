// The JavaScript SDK against one endpoint: aws.mjs ENDPOINT KEY SECRET EVENT; the SDK lies in NODE_PATH.
import { createRequire } from "node:module";

const require = createRequire(process.env.NODE_PATH + "/x.js");
const { RedshiftDataClient, ExecuteStatementCommand, GetStatementResultCommand } = require("@aws-sdk/client-redshift-data");
const { FirehoseClient, PutRecordBatchCommand } = require("@aws-sdk/client-firehose");
const { S3Client, PutObjectCommand, GetObjectCommand, ListObjectsV2Command } = require("@aws-sdk/client-s3");

const [endpoint, accessKeyId, secretAccessKey, event] = process.argv.slice(2);
const config = { endpoint, region: "eu-west-1", credentials: { accessKeyId, secretAccessKey } };
const data = new RedshiftDataClient(config);
const begun = await data.send(
  new ExecuteStatementCommand({
    Sql: "SELECT :n::int AS n",
    Parameters: [{ name: "n", value: "42" }],
    Database: "shop",
    ClusterIdentifier: "any",
    WaitTimeSeconds: 10,
  }),
);
const result = await data.send(new GetStatementResultCommand({ Id: begun.Id }));
const put = await new FirehoseClient(config).send(
  new PutRecordBatchCommand({ DeliveryStreamName: "visits", Records: [{ Data: Buffer.from(event) }] }),
);
const s3 = new S3Client({ ...config, forcePathStyle: true });
await s3.send(new PutObjectCommand({ Bucket: "landing", Key: "js/object", Body: "from javascript" }));
const got = await s3.send(new GetObjectCommand({ Bucket: "landing", Key: "js/object" }));
const listed = await s3.send(new ListObjectsV2Command({ Bucket: "landing", Prefix: "js/" }));
const text = await got.Body.transformToString();
console.log(begun.Status, result.Records[0][0].longValue, put.FailedPutCount, text, listed.KeyCount);
