/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Isochronous transfers for dummy_hcd, which has none of its own: without them neither a UVC camera nor
 * a UAC2 sound card can be plugged into the rig. build.sh puts this file beside dummy_hcd.c, offers the
 * driver's isochronous endpoints, adds two fields (urbp.iso_done, dummy_ep.iso_next, the latter 0 when the
 * endpoint is enabled) and calls dummy_iso() where the driver fails all such transfers.
 *
 * One packet is served per service interval of the endpoint, by the monotonic clock; a timer that comes late
 * catches up, so that the rate of a sound card is right over time. A packet for which the gadget has queued
 * nothing is empty, as on a real bus.
 */

/* After a pause longer than this the endpoint's time begins anew instead of catching up. */
#define ISO_FORGET_NS (500 * NSEC_PER_MSEC)

static u64 dummy_iso_interval_ns(struct dummy *dum, struct urb *urb)
{
	u64 unit = dum->gadget.speed >= USB_SPEED_HIGH ? 125000 : 1000000;

	return unit * max(urb->interval, 1);
}

/* Serves one packet; drops the lock while the gadget's completion runs. The caller owns dum->lock. */
static void dummy_iso_packet(struct dummy *dum, struct dummy_ep *ep, struct urb *urb,
			     struct usb_iso_packet_descriptor *packet)
{
	struct dummy_request *req = list_first_entry_or_null(&ep->queue, struct dummy_request, queue);
	void *host = urb->transfer_buffer + packet->offset;
	unsigned int len;

	packet->actual_length = 0;
	packet->status = 0;
	if (!req)
		return;
	len = min(packet->length, req->req.length);
	if (usb_urb_dir_in(urb))
		memcpy(host, req->req.buf, len);
	else
		memcpy(req->req.buf, host, len);
	packet->actual_length = len;
	urb->actual_length += len;
	req->req.actual = len;
	req->req.status = 0;
	list_del_init(&req->queue);
	dummy_giveback(dum, &ep->ep, req);
}

/* Serves all packets of urb that are due; *status leaves -EINPROGRESS when the last one was. */
static void dummy_iso(struct dummy_hcd *dum_hcd, struct urbp *urbp, struct dummy_ep *ep, int *status)
{
	struct urb *urb = urbp->urb;
	struct dummy *dum = dum_hcd->dum;
	u64 now = ktime_get_ns();
	u64 interval = dummy_iso_interval_ns(dum, urb);

	if (!urb->transfer_buffer) {
		*status = -EINVAL; /* only scatter lists: no driver of the rig does that */
		return;
	}
	if (ep->iso_next + ISO_FORGET_NS < now)
		ep->iso_next = now;
	ep->last_io = jiffies;
	while (urbp->iso_done < urb->number_of_packets && ep->iso_next <= now && !urb->unlinked) {
		dummy_iso_packet(dum, ep, urb, &urb->iso_frame_desc[urbp->iso_done]);
		urbp->iso_done++;
		ep->iso_next += interval;
	}
	if (urbp->iso_done >= urb->number_of_packets)
		*status = 0;
}
