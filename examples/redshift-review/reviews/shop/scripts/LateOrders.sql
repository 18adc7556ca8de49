-- Open orders by customer, the longest wait first.
SELECT customer_id, count(*) AS orders, max(current_date - ordered_on) AS waiting_days
FROM sales.orders
WHERE state = 'open'
GROUP BY customer_id
ORDER BY 3 DESC, 1
LIMIT 100
