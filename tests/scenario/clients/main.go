package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jackc/pgx/v5"
)

func must(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func wire(ctx context.Context, url string) {
	connection, err := pgx.Connect(ctx, url)
	must(err)
	defer connection.Close(ctx)
	_, err = connection.Exec(ctx, "CREATE TEMP TABLE things (id INT, name VARCHAR(20), at TIMESTAMP, price DECIMAL(8,2))")
	must(err)
	at := time.Date(2026, 11, 22, 8, 9, 10, 0, time.UTC)
	batch := &pgx.Batch{}
	for i := 1; i <= 3; i++ {
		batch.Queue("INSERT INTO things VALUES ($1, $2, $3, $4)", i, fmt.Sprint("n", i), at, fmt.Sprint(i, ".50"))
	}
	must(connection.SendBatch(ctx, batch).Close())
	count, err := connection.CopyFrom(ctx, pgx.Identifier{"things"}, []string{"id", "name", "at"}, pgx.CopyFromRows([][]any{{4, "n4", at}, {5, nil, at}}))
	must(err)
	var n int64
	var sum float64
	var last time.Time
	must(connection.QueryRow(ctx, "SELECT count(*), sum(price)::float8, max(at) FROM things WHERE id > $1", 0).Scan(&n, &sum, &last))
	transaction, err := connection.Begin(ctx)
	must(err)
	_, err = transaction.Exec(ctx, "DELETE FROM things")
	must(err)
	must(transaction.Rollback(ctx))
	_, bad := connection.Exec(ctx, "SELECT nonsense")
	fmt.Println("pgx", count, n, sum, last.Equal(at), bad != nil)
}

func cloud(ctx context.Context, endpoint, key, secret string) {
	config := aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""), BaseEndpoint: aws.String(endpoint)}
	data := redshiftdata.NewFromConfig(config)
	begun, err := data.ExecuteStatement(ctx, &redshiftdata.ExecuteStatementInput{Sql: aws.String("SELECT 42 AS n"), Database: aws.String("shop"), ClusterIdentifier: aws.String("any")})
	must(err)
	for i := 0; i < 200; i++ {
		now, err := data.DescribeStatement(ctx, &redshiftdata.DescribeStatementInput{Id: begun.Id})
		must(err)
		if now.Status == "FINISHED" {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	result, err := data.GetStatementResult(ctx, &redshiftdata.GetStatementResultInput{Id: begun.Id})
	must(err)
	put, err := firehose.NewFromConfig(config).PutRecordBatch(ctx, &firehose.PutRecordBatchInput{DeliveryStreamName: aws.String("visits"), Records: []firehosetypes.Record{{Data: []byte(os.Args[5])}}})
	must(err)
	store := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	_, err = store.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("landing"), Key: aws.String("go/object"), Body: strings.NewReader("from go")})
	must(err)
	_, err = store.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("landing"), Key: aws.String("go/second"), Body: bytes.NewReader(make([]byte, 1<<20))})
	must(err)
	got, err := store.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("landing"), Key: aws.String("go/object")})
	must(err)
	text, err := io.ReadAll(got.Body)
	must(err)
	listed, err := store.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("landing"), Prefix: aws.String("go/")})
	must(err)
	fmt.Println("aws", *put.FailedPutCount, string(text), len(listed.Contents), len(result.Records))
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	wire(ctx, os.Args[1])
	cloud(ctx, os.Args[2], os.Args[3], os.Args[4])
}
