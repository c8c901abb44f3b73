import evo.gtl.capture.webservice.String2StringMapEntry;
import evo.gtl.capture.webservice.WebserviceCapturePointLocator;
import evo.gtl.capture.webservice.WebserviceCapturePointPortType;
import evo.gtl.taskinfo.TaskInfo;
import evo.webservices.WebserviceFault;
import java.net.URL;
import java.util.Calendar;
import java.util.TimeZone;

/** The life of a task, as a program made for iWD has it. */
public class IwdCaller {
    public static void main(String[] arguments) throws Exception {
        WebserviceCapturePointPortType service =
            new WebserviceCapturePointLocator()
                .getwebserviceCapturePointHttpPort(new URL(arguments[0]));
        Calendar due = Calendar.getInstance(TimeZone.getTimeZone("UTC"));
        due.setTimeInMillis(1795000000123L);
        String2StringMapEntry[] some = {new String2StringMapEntry("MediaType", "email")};
        String id = service.createTask("C1", "me", null, "x", Boolean.FALSE, "Claims", null,
            Integer.valueOf(7), null, "", null, null, due, null, null, some);
        service.holdTaskByCaptureId("C1", "me", "Lunch");
        System.out.println(service.getTaskByTaskId(id, null).getStatus());
        service.resumeTaskByTaskId(id, "me", "");
        service.completeTaskByTaskId(id, "me", "done", due);
        TaskInfo task = service.getTaskByCaptureId("C1", null);
        System.out.println(task.getStatus() + " " + task.getCategory() + " " + task.getPriority()
            + " " + task.getMediaType() + " " + task.getDueDateTime().getTimeInMillis() / 1000);
        try {
            service.cancelTaskByTaskId("none", "me", null);
        } catch (WebserviceFault fault) {
            System.out.println(fault.getCode() + " " + fault.getMessage1() + " "
                + fault.getSeverity() + " | " + fault.getFaultString());
        }
        System.out.println(service.ping().length());
    }
}
